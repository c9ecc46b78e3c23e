public import TensorEngine

/// One of the predictions that are combined into a step's noise.
public struct NoiseComponent: Sendable {
  /// What it is conditioned on, `[1, token, width]`; `nil` for the prompt itself, whose prediction
  /// is always made.
  public let embedding: Tensor?
  /// The weight of its difference from the unconditional prediction; below 0 to steer away from it.
  public let weight: Float

  /// The noise predicted for `embedding`, with its weight in the sum.
  public init(embedding: Tensor?, weight: Float) {
    self.embedding = embedding
    self.weight = weight
  }
}
