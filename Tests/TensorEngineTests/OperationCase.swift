import TensorEngine
import TestSupport
import Testing

/// An operation and inputs to try it on; ``OperationTests`` does the same checks on all of them.
struct OperationCase: Sendable, CustomTestStringConvertible {
  let operation: Operation
  let inputs: [Tensor]
  /// Largest error of the result and of a gradient, relative to the largest magnitude.
  var tolerance = 3e-6

  init(_ operation: Operation, _ inputs: Tensor..., tolerance: Double = 3e-6) {
    (self.operation, self.inputs, self.tolerance) = (operation, inputs, tolerance)
  }

  var testDescription: String { "\(operation.summary) of \(inputs.map(\.shape))" }

  static let all = layers + norms + activations + attention + arithmetic + reductions + layout
}

/// Numbers around 0 with deviation 1, the same in every run.
private func numbers(_ shape: Int..., seed: UInt64 = 0) -> Tensor {
  var random = SeededNumbers(seed: shape.reduce(seed + 1) { $0 &* 1009 &+ UInt64($1) })
  return random.tensor(shape)
}

extension OperationCase {
  private static func linear(_ x: Tensor, out: Int, bias: Bool = true) -> OperationCase {
    let weight = numbers(out, x.shape[x.rank - 1], seed: 1)
    return OperationCase(.linear(weight: Weight(weight), bias: bias ? numbers(out) : nil), x)
  }

  private static func convolution(
    _ x: Tensor, out: Int, kernel: (Int, Int) = (3, 3), stride: Int = 1, padding: Padding,
    bias: Bool = true, tolerance: Double = 3e-6
  ) -> OperationCase {
    let weight = numbers(out, x.shape[1], kernel.0, kernel.1, seed: 2)
    return OperationCase(
      .convolution(
        weight: Weight(weight), bias: bias ? numbers(out) : nil, stride: stride,
        padding: padding), x,
      tolerance: tolerance)
  }

  static let layers = [
    linear(numbers(1, 1), out: 1),
    linear(numbers(5), out: 3, bias: false),
    linear(numbers(2, 3, 5), out: 7),
    linear(numbers(2, 299, 61), out: 97),
    linear(numbers(7, 130), out: 401, bias: false),
    // Enough rows that the weight is packed, and enough of it that the sum is cut.
    linear(numbers(2, 290, 41), out: 83),
    linear(numbers(521, 600), out: 9, bias: false),

    convolution(numbers(1, 1, 1, 1), out: 1, kernel: (1, 1), padding: Padding(0)),
    convolution(numbers(1, 1, 1, 1), out: 2, padding: Padding(1)),
    convolution(numbers(2, 3, 5, 7), out: 4, padding: Padding(1)),
    convolution(numbers(2, 3, 6, 5), out: 4, padding: Padding(0), bias: false),
    convolution(numbers(2, 5, 7, 3), out: 2, kernel: (2, 3), padding: Padding(1)),
    convolution(numbers(1, 2, 4, 4), out: 3, kernel: (5, 5), padding: Padding(2)),
    convolution(numbers(2, 3, 7, 8), out: 5, stride: 2, padding: Padding(1)),
    convolution(
      numbers(2, 3, 8, 6), out: 5, stride: 2,
      padding: Padding(top: 0, left: 0, bottom: 1, right: 1)),
    convolution(
      numbers(1, 2, 5, 4), out: 2, padding: Padding(top: 2, left: 0, bottom: 1, right: 3)),
    convolution(numbers(1, 2, 7, 9), out: 3, stride: 3, padding: Padding(2)),
    convolution(numbers(2, 5, 6, 4), out: 3, kernel: (1, 1), padding: Padding(0)),
    convolution(numbers(1, 3, 5, 6), out: 2, kernel: (1, 1), stride: 2, padding: Padding(0)),
    convolution(numbers(1, 2, 3, 4), out: 2, kernel: (1, 1), padding: Padding(1)),
    convolution(numbers(1, 19, 17, 19), out: 24, padding: Padding(1)),
    convolution(numbers(1, 33, 24, 11), out: 7, stride: 2, padding: Padding(1)),
    convolution(numbers(1, 2, 3, 141), out: 3, padding: Padding(1)),
    convolution(numbers(1, 65, 16, 16), out: 130, kernel: (1, 1), padding: Padding(0)),
    // By minimal filtering, in tiles of 2×2 and of 4×4.
    convolution(numbers(2, 32, 16, 17), out: 33, padding: Padding(1)),
    convolution(
      numbers(1, 37, 17, 18), out: 32,
      padding: Padding(top: 0, left: 2, bottom: 3, right: 1), bias: false),
    convolution(numbers(1, 33, 31, 35), out: 32, padding: Padding(1), tolerance: 1e-5),
  ]

  private static func groupNorm(
    _ x: Tensor, groups: Int, silu: Bool, epsilon: Float = 1e-5
  ) -> OperationCase {
    OperationCase(
      .groupNorm(
        gamma: numbers(x.shape[1], seed: 3), beta: numbers(x.shape[1], seed: 4), groups: groups,
        epsilon: epsilon, silu: silu), x, tolerance: 1e-5)
  }

  private static func layerNorm(_ x: Tensor) -> OperationCase {
    let width = x.shape[x.rank - 1]
    return OperationCase(
      .layerNorm(gamma: numbers(width, seed: 3), beta: numbers(width, seed: 4), epsilon: 1e-5), x,
      tolerance: 1e-5)
  }

  static let norms = [
    groupNorm(numbers(1, 1, 1, 1), groups: 1, silu: false),
    groupNorm(numbers(2, 6, 5, 3), groups: 3, silu: false),
    groupNorm(numbers(2, 6, 5, 3), groups: 3, silu: true),
    groupNorm(numbers(3, 5, 7, 1), groups: 5, silu: true),
    groupNorm(numbers(2, 8, 4, 4), groups: 1, silu: false, epsilon: 1e-6),
    groupNorm(numbers(2, 4, 9), groups: 2, silu: true),
    groupNorm(numbers(1, 12, 65, 63), groups: 4, silu: true),
    groupNorm(numbers(2, 4, 8, 8).affine(scale: 0.1, offset: 10), groups: 2, silu: false),
    layerNorm(numbers(1)),
    layerNorm(numbers(3, 5)),
    layerNorm(numbers(2, 77, 31)),
    layerNorm(numbers(301, 65)),
    layerNorm(numbers(4, 40).affine(scale: 0.1, offset: 10)),
  ]

  /// Numbers at least 0.1 away from 0, where relu has its kink.
  private static func awayFromZero(_ x: Tensor) -> Tensor {
    Tensor(x.values.map { $0 < 0 ? $0 - 0.1 : $0 + 0.1 }, shape: x.shape)
  }

  /// Numbers that an activation is smooth at.
  private static func domain(of activation: Activation, near x: Tensor) -> Tensor {
    switch activation {
    case .relu: awayFromZero(x)
    case .logarithm: Tensor(x.values.map { abs($0) + 0.1 }, shape: x.shape)
    case .silu, .gelu, .quickGelu, .exponential: x
    }
  }

  static let activations =
    Activation.allCases.flatMap { activation in
      [numbers(1), numbers(3, 13).affine(scale: 3), numbers(2, 10_007)].map { x in
        OperationCase(.activation(activation), domain(of: activation, near: x))
      }
    } + [numbers(1, 2), numbers(2, 3, 10), numbers(129, 130)].map { OperationCase(.gatedGelu, $0) }

  /// Queries, keys and values, wide enough that the probabilities are far from even.
  private static func attention(
    batch: Int = 1, queries: Int, keys: Int, width: Int, heads: Int, causal: Bool = false
  ) -> OperationCase {
    OperationCase(
      .attention(heads: heads, scale: 1 / Float(width / heads).squareRoot(), causal: causal),
      numbers(batch, queries, width, seed: 5), numbers(batch, keys, width, seed: 6),
      numbers(batch, keys, width, seed: 7), tolerance: 1e-5)
  }

  static let attention = [
    OperationCase(.scores(heads: 1, scale: 0.5), numbers(1, 1, 1), numbers(1, 1, 1)),
    OperationCase(.scores(heads: 3, scale: 0.5), numbers(2, 5, 12), numbers(2, 7, 12, seed: 1)),
    OperationCase(.scores(heads: 2, scale: 0.125), numbers(2, 131, 10), numbers(2, 77, 10)),
    OperationCase(.softmax(scale: 1), numbers(1)),
    OperationCase(.softmax(scale: 1), numbers(3, 1)),
    OperationCase(.softmax(scale: 2), numbers(5, 7)),
    OperationCase(.softmax(scale: 0.3), numbers(2, 2, 131, 77)),
    OperationCase(.softmax(scale: 100), numbers(64, 75).affine(scale: 0.02), tolerance: 2e-5),
    OperationCase(.weightedValues(heads: 1), numbers(1, 1, 1, 1), numbers(1, 1, 1)),
    OperationCase(.weightedValues(heads: 3), numbers(2, 3, 5, 7), numbers(2, 7, 12)),
    OperationCase(.weightedValues(heads: 2), numbers(2, 2, 131, 77), numbers(2, 77, 10)),
    attention(queries: 1, keys: 1, width: 1, heads: 1),
    attention(batch: 2, queries: 5, keys: 7, width: 12, heads: 3),
    attention(queries: 128, keys: 9, width: 4, heads: 2),
    attention(queries: 130, keys: 130, width: 8, heads: 2),
    attention(queries: 300, keys: 77, width: 16, heads: 4),
    attention(batch: 2, queries: 9, keys: 9, width: 6, heads: 2, causal: true),
    attention(queries: 133, keys: 133, width: 8, heads: 1, causal: true),
  ]

  static let arithmetic = [
    OperationCase(.add, numbers(1), numbers(1, seed: 1)),
    OperationCase(.add, numbers(3, 5), numbers(3, 5, seed: 1)),
    OperationCase(.add, numbers(2, 3, 5), numbers(3, 5)),
    OperationCase(.add, numbers(4, 5), numbers(5)),
    OperationCase(.add, numbers(3, 2), numbers()),
    OperationCase(.add, numbers(3, 33_333), numbers(3, 33_333, seed: 1)),
    OperationCase(.addToChannels, numbers(1, 1, 1, 1), numbers(1, 1)),
    OperationCase(.addToChannels, numbers(2, 3, 4, 5), numbers(2, 3)),
    OperationCase(.addToChannels, numbers(1, 40, 31, 33), numbers(1, 40)),
    OperationCase(.multiply, numbers(1), numbers(1, seed: 1)),
    OperationCase(.multiply, numbers(7, 5), numbers(7, 5, seed: 1)),
    OperationCase(.multiply, numbers(2, 3, 5), numbers(3, 5)),
    OperationCase(.multiply, numbers(4, 5), numbers(5)),
    OperationCase(.multiply, numbers(3, 2), numbers()),
    // Divisors of both signs.
    OperationCase(.divide, numbers(1), Tensor([-0.7], shape: [1])),
    OperationCase(.divide, numbers(7, 5), awayFromZero(numbers(7, 5, seed: 1))),
    OperationCase(.divide, numbers(2, 3, 5), awayFromZero(numbers(3, 5))),
    OperationCase(.divide, numbers(3, 2), Tensor([-1.3], shape: [])),
    OperationCase(.affine(scale: -2.5, offset: 0.75), numbers(1)),
    OperationCase(.affine(scale: 0.18215, offset: 0), numbers(3, 7)),
    OperationCase(.affine(scale: 3, offset: -1), numbers(70_001)),
  ]

  static let reductions = [
    OperationCase(.meanOverFirstAxis, numbers(1)),
    OperationCase(.meanOverFirstAxis, numbers(3, 5)),
    OperationCase(.meanOverFirstAxis, numbers(8, 16, 77)),
    OperationCase(.sum, numbers(1)),
    OperationCase(.sum, numbers()),
    OperationCase(.sum, numbers(7, 11)),
    OperationCase(.sum, numbers(50_001), tolerance: 2e-5),
    OperationCase(.maximum, numbers(1)),
    OperationCase(.maximum, numbers(37)),
    OperationCase(.maximum, numbers(16, 16)),
  ]

  static let layout = [
    OperationCase(.reshape([1]), numbers()),
    OperationCase(.reshape([5, 3, 2]), numbers(2, 15)),
    OperationCase(.transpose, numbers(1, 1)),
    OperationCase(.transpose, numbers(3, 5)),
    OperationCase(.transpose, numbers(2, 3, 4, 7)),
    OperationCase(.transpose, numbers(2, 131, 67)),
    OperationCase(.concatenate(axis: 0), numbers(2, 3), numbers(1, 3), numbers(4, 3)),
    OperationCase(.concatenate(axis: 1), numbers(2, 3, 4), numbers(2, 5, 4)),
    OperationCase(.concatenate(axis: 2), numbers(2, 3, 4), numbers(2, 3, 1)),
    OperationCase(.slice(axis: 0, range: 1..<3), numbers(4, 3)),
    OperationCase(.slice(axis: 1, range: 0..<2), numbers(2, 5, 3)),
    OperationCase(.slice(axis: 2, range: 4..<5), numbers(2, 3, 5)),
    OperationCase(.upsampleNearest(rows: 2, columns: 2), numbers(1, 1, 1, 1)),
    OperationCase(.upsampleNearest(rows: 6, columns: 10), numbers(2, 17, 3, 5)),
    OperationCase(.upsampleNearest(rows: 9, columns: 5), numbers(1, 2, 5, 3)),
    OperationCase(.upsampleNearest(rows: 4, columns: 4), numbers(1, 2, 16, 8)),
    OperationCase(.reflectPad(1), numbers(2, 2)),
    OperationCase(.reflectPad(1), numbers(2, 1, 16, 15)),
    OperationCase(.reflectPad(2), numbers(3, 3, 5)),
  ]
}

/// The operations without what is constant in them.
enum OperationKind: CaseIterable {
  case linear, convolution, groupNorm, layerNorm, activation, gatedGelu
  case scores, softmax, weightedValues, attention
  case add, addToChannels, multiply, divide, affine
  case meanOverFirstAxis, sum, maximum
  case reshape, transpose, concatenate, slice, upsampleNearest, reflectPad
}

extension Operation {
  /// Exhaustive, so that a new operation does not compile here before it has a kind, and has no
  /// kind without a test case.
  var kind: OperationKind {
    switch self {
    case .linear: .linear
    case .convolution: .convolution
    case .groupNorm: .groupNorm
    case .layerNorm: .layerNorm
    case .activation: .activation
    case .gatedGelu: .gatedGelu
    case .scores: .scores
    case .softmax: .softmax
    case .weightedValues: .weightedValues
    case .attention: .attention
    case .add: .add
    case .addToChannels: .addToChannels
    case .multiply: .multiply
    case .divide: .divide
    case .affine: .affine
    case .meanOverFirstAxis: .meanOverFirstAxis
    case .sum: .sum
    case .maximum: .maximum
    case .reshape: .reshape
    case .transpose: .transpose
    case .concatenate: .concatenate
    case .slice: .slice
    case .upsampleNearest: .upsampleNearest
    case .reflectPad: .reflectPad
    }
  }

  /// The kind, and what else tells test cases apart.
  var summary: String {
    switch self {
    case .linear(let weight, _): "linear to \(weight.shape[0])"
    case .convolution(let weight, _, let stride, _): "convolution \(weight.shape) by \(stride)"
    case .groupNorm(_, _, let groups, _, let silu): "groupNorm \(groups)\(silu ? " silu" : "")"
    case .activation(let activation): activation.rawValue
    case .attention(let heads, _, let causal): "\(causal ? "causal " : "")attention \(heads)"
    default: "\(kind)"
    }
  }
}
