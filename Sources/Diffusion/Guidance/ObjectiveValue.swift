public import TensorEngine

/// The value of an objective for the maps of one pass.
public struct ObjectiveValue: Sendable {
  /// The loss, a scalar; on the tape when the maps are.
  public let loss: Tensor
  /// The excitation score of each subject, in the subjects' order; see `PassMeasurement`.
  public let scores: [Float]
  /// The loss that refinement minimises, a scalar; the same as ``loss`` unless the method has another.
  public let refinement: Tensor
  /// How far refinement is from its target: a try is made while this is above 1 minus the threshold.
  public let shortfall: Float

  /// A loss with the subjects' excitation scores; refinement follows `loss` unless told otherwise.
  public init(
    loss: Tensor, scores: [Float], refinement: Tensor? = nil, shortfall: Float? = nil
  ) {
    self.loss = loss
    self.scores = scores
    self.refinement = refinement ?? loss
    self.shortfall = shortfall ?? self.refinement.item
  }
}
