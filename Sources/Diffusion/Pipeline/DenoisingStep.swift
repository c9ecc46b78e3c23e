public import AttentionTrace
public import TensorEngine

/// One iteration of a run, as it is told to whoever owns the loop.
public struct DenoisingStep: Sendable {
  /// The scheduler's iteration, from 0.
  public let index: Int
  /// How many iterations there are.
  public let count: Int
  /// What the objective says of the pass that predicted the noise; `nil` without objective.
  public let measurement: PassMeasurement?
  /// Tries of iterative refinement.
  public let refinementTries: Int
  /// The latent after the step, `[1, 4, row, column]`.
  public let latent: Tensor
  /// The clean latent that the step predicts, `[1, 4, row, column]`: that of the picture as it would be if
  /// all noise were taken away at once.
  public let predicted: Tensor
}
