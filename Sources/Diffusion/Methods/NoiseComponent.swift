public import TensorEngine

/// One of the predictions that a step's noise is made of.
public struct NoiseComponent: Sendable {
  /// What it is conditioned on, `[1, token, width]`; `nil` for the prompt itself, whose prediction
  /// is there anyway.
  public let embedding: Tensor?
  /// How much of its difference from the unconditional prediction counts; below 0 to keep away.
  public let weight: Float

  /// The prediction for an embedding, or for the prompt itself, with its weight.
  public init(embedding: Tensor?, weight: Float) {
    self.embedding = embedding
    self.weight = weight
  }
}
