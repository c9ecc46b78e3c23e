public import AttentionTrace
public import TensorEngine

/// One layer's attention in the prompt's branch, as an intervention finds and leaves it.
///
/// The layer's output is `probabilities` times `values`, head by head, through its last projection.
public struct LayerAttention {
  /// The layer.
  public let site: AttentionSite
  /// The pass.
  public let pass: AttentionPass
  /// Attention probabilities, `[1, head, pixel, key]`; each row sums to 1 as the layer computes it.
  public var probabilities: Tensor
  /// The values of the keys, `[1, key, width]`.
  public var values: Tensor
  /// What each pixel asks, `[1, pixel, width]`.
  let queries: Tensor
  let layer: Attention

  /// The values that this layer gives the tokens of another text.
  ///
  /// - Parameter embedding: of the text, `[1, token, width]`.
  /// - Returns: `[1, token, width]`.
  public func values(of embedding: Tensor) -> Tensor { layer.value(embedding) }

  /// The attention of this layer to the tokens of another text.
  ///
  /// - Parameter embedding: of the text, `[1, token, width]`.
  /// - Returns: `[1, head, pixel, token]`.
  public func probabilities(over embedding: Tensor) -> Tensor {
    queries.scores(against: layer.key(embedding), heads: layer.heads, scale: layer.scale).softmax()
  }

  /// Multiplies the probabilities, which are not brought back to a sum of 1.
  ///
  /// - Parameters:
  ///   - heads: a factor for each head; `nil` leaves them.
  ///   - keys: a factor for each key; `nil` leaves them.
  public mutating func weigh(heads: [Float]? = nil, keys: [Float]? = nil) {
    if let keys { probabilities = probabilities * Tensor(keys, shape: [keys.count]) }
    guard let heads else { return }
    let shape = probabilities.shape
    let factors = unsafe Tensor(shape: shape) { factors in
      for place in 0..<shape[1] * shape[2] * shape[3] {
        unsafe factors[place] = heads[place / (shape[2] * shape[3])]
      }
    }
    probabilities = probabilities * factors
  }
}
