public import TensorEngine

/// The value of an objective for the maps of one pass.
public struct ObjectiveValue: Sendable {
  /// The loss, a scalar; on the tape when the maps are.
  public let loss: Tensor
  /// The excitation score of each subject, in the subjects' order; see `PassMeasurement`.
  public let scores: [Float]
  /// The loss that refinement minimises, a scalar; the same as ``loss`` unless the method has another.
  public let refinement: Tensor
  /// The loss that the update after refinement follows, a scalar; the same as ``loss`` unless the method
  /// has another.
  public let afterRefinement: Tensor
  /// How far refinement is from its target: a try is made while this is above 1 minus the threshold.
  public let shortfall: Float
  /// What a search for noise compares looks by, the lower the better; the value of ``refinement`` unless
  /// the method has another.
  public let searchScore: Float

  /// A loss with the subjects' excitation scores; refinement and search follow `loss` unless told
  /// otherwise.
  public init(
    loss: Tensor, scores: [Float], refinement: Tensor? = nil, afterRefinement: Tensor? = nil,
    shortfall: Float? = nil, searchScore: Float? = nil
  ) {
    self.loss = loss
    self.scores = scores
    self.refinement = refinement ?? loss
    self.afterRefinement = afterRefinement ?? loss
    self.shortfall = shortfall ?? self.refinement.item
    self.searchScore = searchScore ?? self.refinement.item
  }
}
