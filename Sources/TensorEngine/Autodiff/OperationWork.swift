/// Kinds of work that a table of times distinguishes.
package enum WorkKind: String, Sendable, CaseIterable {
  case linear
  case convolution3x3 = "convolution 3x3"
  case convolution1x1 = "convolution 1x1"
  /// With its softmax, which runs inside the tiles.
  case selfAttention = "self-attention"
  /// Without its softmax, where the maps exist whole.
  case crossAttention = "cross-attention"
  case softmax
  case norm
  case activation
  case arithmetic
  case layout
  case other
}

extension Operation {
  /// The kind of work that the operation is on inputs of these shapes.
  func kind(_ inputShapes: [[Int]]) -> WorkKind {
    switch self {
    case .linear: .linear
    case .convolution(let weight, _, _, _):
      switch weight.shape.suffix(2) {
      case [3, 3]: .convolution3x3
      case [1, 1]: .convolution1x1
      default: .other
      }
    case .attention: inputShapes[0] == inputShapes[1] ? .selfAttention : .crossAttention
    case .scores, .weightedValues: .crossAttention
    case .softmax: .softmax
    case .groupNorm, .layerNorm: .norm
    case .activation, .gatedGelu: .activation
    case .add, .addToChannels, .multiply, .divide, .affine: .arithmetic
    case .reshape, .transpose, .concatenate, .slice, .upsampleNearest, .reflectPad: .layout
    case .meanOverFirstAxis, .sum, .maximum: .other
    }
  }

  /// Multiply-adds of the matrix products and convolutions of one evaluation, by the direct method.
  ///
  /// What a faster algorithm saves, and a slower one repeats, does not change the count; all other
  /// arithmetic counts as nothing.
  func multiplyAdds(_ inputShapes: [[Int]], _ outputShape: [Int]) -> Int {
    let outputs = outputShape.reduce(1, *)
    switch self {
    case .linear(let weight, _): return outputs * weight.shape[1]
    case .convolution(let weight, _, _, _):
      return outputs * weight.shape[1...].reduce(1, *)
    case .scores: return Self.product(inputShapes[0], keys: inputShapes[1])
    case .weightedValues: return Self.product(outputShape, keys: inputShapes[1])
    case .attention: return 2 * Self.product(inputShapes[0], keys: inputShapes[1])
    case .groupNorm, .layerNorm, .activation, .gatedGelu, .softmax, .add, .addToChannels,
      .multiply, .divide, .affine, .meanOverFirstAxis, .sum, .maximum, .reshape, .transpose,
      .concatenate, .slice, .upsampleNearest, .reflectPad:
      return 0
    }
  }

  /// As ``multiplyAdds(_:_:)``, of the gradients that are `wanted`.
  func pullbackMultiplyAdds(
    _ inputShapes: [[Int]], _ outputShape: [Int], wanted: [Bool]
  ) -> Int {
    let forward = multiplyAdds(inputShapes, outputShape)
    switch self {
    case .linear, .convolution: return wanted[0] ? forward : 0
    case .scores, .weightedValues: return wanted.count { $0 } * forward
    case .attention:
      // The probabilities' gradient serves queries and keys; then one product for each input.
      let throughSoftmax = wanted[0] || wanted[1] ? 1 : 0
      return (throughSoftmax + wanted.count { $0 }) * (forward / 2)
    case .groupNorm, .layerNorm, .activation, .gatedGelu, .softmax, .add, .addToChannels,
      .multiply, .divide, .affine, .meanOverFirstAxis, .sum, .maximum, .reshape, .transpose,
      .concatenate, .slice, .upsampleNearest, .reflectPad:
      return 0
    }
  }

  /// Multiply-adds of queries `[batch, pixel, width]` with keys `[batch, token, width]`, all heads.
  private static func product(_ queries: [Int], keys: [Int]) -> Int {
    queries.reduce(1, *) * keys[1]
  }
}
