/// Every differentiable operation, with what is constant in it.
///
/// ``forward(_:)`` and ``pullback(of:_:wanted:)`` are exhaustive over the cases: an operation
/// without a pullback does not compile. Weights are constants: no operation has a gradient for one.
package enum Operation: Sendable {
  // Layers, in the order of the files in Ops.
  case linear(weight: Weight, bias: Tensor?)
  case convolution(weight: Weight, bias: Tensor?, stride: Int, padding: Padding)
  case groupNorm(gamma: Tensor, beta: Tensor, groups: Int, epsilon: Float, silu: Bool)
  case layerNorm(gamma: Tensor, beta: Tensor, epsilon: Float)
  case activation(Activation)
  case gatedGelu
  // Attention.
  case scores(heads: Int, scale: Float)
  case softmax(scale: Float)
  case weightedValues(heads: Int)
  case attention(heads: Int, scale: Float, causal: Bool)
  // Arithmetic.
  case add
  case addToChannels
  case multiply
  case divide
  case affine(scale: Float, offset: Float)
  // Reductions.
  case meanOverFirstAxis
  case sum
  case maximum
  // Layout.
  case reshape([Int])
  case transpose
  case concatenate(axis: Int)
  case slice(axis: Int, range: Range<Int>)
  case upsampleNearest(rows: Int, columns: Int)
  case reflectPad(Int)
}

extension Operation {
  /// What a forward evaluation gives: the value, and what the pullback will need of it.
  struct Evaluation {
    let output: Tensor
    var kept: [Tensor] = []
  }

  /// Evaluates the operation.
  func forward(_ inputs: [Tensor]) -> Evaluation {
    switch self {
    case .linear(let weight, let bias): Self.linear(inputs[0], weight, bias)
    case .convolution(let weight, let bias, let stride, let padding):
      Self.convolution(inputs[0], weight, bias, stride, padding)
    case .groupNorm(let gamma, let beta, let groups, let epsilon, let silu):
      Self.groupNorm(inputs[0], gamma, beta, groups, epsilon, silu)
    case .layerNorm(let gamma, let beta, let epsilon):
      Self.layerNorm(inputs[0], gamma, beta, epsilon)
    case .activation(let activation): Self.activation(inputs[0], activation)
    case .gatedGelu: Self.gatedGelu(inputs[0])
    case .scores(let heads, let scale): Self.scores(inputs[0], inputs[1], heads, scale)
    case .softmax(let scale): Self.softmax(inputs[0], scale)
    case .weightedValues(let heads): Self.weightedValues(inputs[0], inputs[1], heads)
    case .attention(let heads, let scale, let causal):
      Self.attention(inputs[0], inputs[1], inputs[2], heads, scale, causal)
    case .add: Self.add(inputs[0], inputs[1])
    case .addToChannels: Self.addToChannels(inputs[0], inputs[1])
    case .multiply: Self.multiply(inputs[0], inputs[1])
    case .divide: Self.divide(inputs[0], inputs[1])
    case .affine(let scale, let offset): Self.affine(inputs[0], scale, offset)
    case .meanOverFirstAxis: Self.meanOverFirstAxis(inputs[0])
    case .sum: Self.sum(inputs[0])
    case .maximum: Self.maximum(inputs[0])
    case .reshape(let shape): Self.reshape(inputs[0], shape)
    case .transpose: Self.transpose(inputs[0])
    case .concatenate(let axis): Self.concatenate(inputs, axis)
    case .slice(let axis, let range): Self.slice(inputs[0], axis, range)
    case .upsampleNearest(let rows, let columns):
      Self.upsampleNearest(inputs[0], rows, columns)
    case .reflectPad(let width): Self.reflectPad(inputs[0], width)
    }
  }

  /// The gradient with respect to each input that is `wanted`, given the output's.
  ///
  /// - Parameters:
  ///   - gradient: the gradient with respect to the output, of the output's shape.
  ///   - node: the inputs' shapes and what ``forward(_:)`` kept.
  ///   - wanted: for each input, whether its gradient is on the way to a variable.
  func pullback(of gradient: Tensor, _ node: Tape.Node, wanted: [Bool]) -> [Tensor?] {
    let shapes = node.inputShapes
    let kept = node.kept
    switch self {
    case .linear(let weight, _): return [Self.linearPullback(gradient, weight, shapes[0])]
    case .convolution(let weight, _, let stride, let padding):
      return [Self.convolutionPullback(gradient, weight, stride, padding, shapes[0])]
    case .groupNorm(let gamma, let beta, let groups, _, let silu):
      return [Self.groupNormPullback(gradient, gamma, beta, groups, silu, kept)]
    case .layerNorm(let gamma, _, _): return [Self.layerNormPullback(gradient, gamma, kept)]
    case .activation(let activation):
      return [Self.activationPullback(gradient, activation, kept[0])]
    case .gatedGelu: return [Self.gatedGeluPullback(gradient, kept[0])]
    case .scores(let heads, let scale):
      return Self.scoresPullback(gradient, kept, heads, scale, wanted)
    case .softmax(let scale): return [Self.softmaxPullback(gradient, kept[0], scale)]
    case .weightedValues(let heads):
      return Self.weightedValuesPullback(gradient, kept, heads, wanted)
    case .attention(let heads, let scale, let causal):
      return Self.attentionPullback(gradient, kept, heads, scale, causal)
    case .add: return Self.addPullback(gradient, shapes, wanted)
    case .addToChannels: return Self.addToChannelsPullback(gradient, shapes, wanted)
    case .multiply: return Self.multiplyPullback(gradient, kept, wanted)
    case .divide: return Self.dividePullback(gradient, kept, wanted)
    case .affine(let scale, _): return [Self.affine(gradient, scale, 0).output]
    case .meanOverFirstAxis: return [Self.meanOverFirstAxisPullback(gradient, shapes[0])]
    case .sum: return [Tensor.full(gradient.item, shape: shapes[0])]
    case .maximum: return [Self.maximumPullback(gradient, kept)]
    case .reshape: return [Self.reshape(gradient, shapes[0]).output]
    case .transpose: return [Self.transpose(gradient).output]
    case .concatenate(let axis): return Self.concatenatePullback(gradient, shapes, axis, wanted)
    case .slice(let axis, let range): return [Self.slicePullback(gradient, shapes[0], axis, range)]
    case .upsampleNearest: return [Self.upsampleNearestPullback(gradient, shapes[0])]
    case .reflectPad(let width): return [Self.reflectPadPullback(gradient, shapes[0], width)]
    }
  }
}
