/// One of the predictions that are combined into a step's noise.
public struct NoiseComponent: Sendable {
  /// What it is conditioned on; `nil` for the prompt itself, whose prediction
  /// is always made.
  public let embedding: PromptEmbedding?
  /// The weight of its difference from the unconditional prediction; below 0 to steer away from it.
  public let weight: Float

  /// The noise predicted for `embedding`, with its weight in the sum.
  public init(embedding: PromptEmbedding?, weight: Float) {
    self.embedding = embedding
    self.weight = weight
  }
}
