public import TensorEngine

/// The value of an objective for the maps of one pass.
public struct ObjectiveValue: Sendable {
  /// The loss, a scalar; on the tape when the maps are.
  public let loss: Tensor
  /// The largest value of each subject's map as the objective reads it, in the subjects' order.
  public let maxima: [Float]
  /// The loss that refinement minimises, a scalar; the same as ``loss`` unless the method has another.
  public let refinement: Tensor
  /// How far refinement is from its target: a try is made while this is above 1 minus the threshold.
  public let shortfall: Float

  /// A loss with the subjects' largest attention; refinement follows `loss` unless told otherwise.
  public init(
    loss: Tensor, maxima: [Float], refinement: Tensor? = nil, shortfall: Float? = nil
  ) {
    self.loss = loss
    self.maxima = maxima
    self.refinement = refinement ?? loss
    self.shortfall = shortfall ?? self.refinement.item
  }
}
