package import TensorEngine

/// `x Wᵀ + b` over the last axis.
package struct Linear: Sendable {
  /// Shape `[out, in]`.
  let weight: Weight
  /// Shape `[out]`.
  let bias: Tensor?

  package init(
    _ scope: ParameterScope, _ input: Int, _ output: Int, bias: Bool = true
  ) throws {
    weight = try scope.weight([output, input])
    self.bias = bias ? try scope.tensor("bias", [output]) : nil
  }

  /// A layer of a weight `[out, in]` that was made, without a bias.
  package init(weight: Weight) { (self.weight, bias) = (weight, nil) }

  package func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias) }
}

/// A linear layer whose weight is packed once, for networks that are run many times on little.
package struct PackedLinear: Sendable {
  private let weight: PackedWeight
  private let bias: Tensor?

  /// Packs a layer's weight; a missing one stays missing.
  package init(_ linear: Linear) { (weight, bias) = (PackedWeight(linear.weight), linear.bias) }

  package func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias) }
}

/// Cross-correlation of `[batch, channel, row, column]`.
struct Convolution: Sendable {
  /// Shape `[out, in, row, column]`.
  let weight: Weight
  /// Shape `[out]`.
  let bias: Tensor?
  let stride: Int
  let padding: Padding

  init(
    _ scope: ParameterScope, _ input: Int, _ output: Int, kernel: Int, stride: Int = 1,
    padding: Padding, bias: Bool = true
  ) throws {
    weight = try scope.weight([output, input, kernel, kernel])
    self.bias = bias ? try scope.tensor("bias", [output]) : nil
    self.stride = stride
    self.padding = padding
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    x.convolution(weight, bias, stride: stride, padding: padding)
  }
}

/// Group norm of `[batch, channel, row, column]`.
struct GroupNorm: Sendable {
  let gamma: Tensor
  let beta: Tensor
  let groups: Int
  let epsilon: Float

  init(_ scope: ParameterScope, _ channels: Int, groups: Int, epsilon: Float) throws {
    gamma = try scope.tensor("weight", [channels])
    beta = try scope.tensor("bias", [channels])
    self.groups = groups
    self.epsilon = epsilon
  }

  func callAsFunction(_ x: Tensor, silu: Bool = false) -> Tensor {
    x.groupNorm(gamma: gamma, beta: beta, groups: groups, epsilon: epsilon, silu: silu)
  }
}

/// Layer norm over the last axis.
package struct LayerNorm: Sendable {
  let gamma: Tensor
  let beta: Tensor
  let epsilon: Float

  package init(_ scope: ParameterScope, _ width: Int, epsilon: Float = 1e-5) throws {
    gamma = try scope.tensor("weight", [width])
    beta = try scope.tensor("bias", [width])
    self.epsilon = epsilon
  }

  package func callAsFunction(_ x: Tensor) -> Tensor {
    x.layerNorm(gamma: gamma, beta: beta, epsilon: epsilon)
  }
}
