public import AttentionTrace
public import TensorEngine

/// What an objective makes of one pass's maps.
public struct ObjectiveValue: Sendable {
  /// The loss, a scalar; on the tape when the maps are.
  public let loss: Tensor
  /// The largest value of each subject's map as the objective reads it, in the subjects' order.
  public let maxima: [Float]

  /// Describes a value; see the properties.
  public init(loss: Tensor, maxima: [Float]) {
    self.loss = loss
    self.maxima = maxima
  }
}

/// A differentiable loss over a pass's cross-attention.
public protocol AttentionObjective: Sendable {
  /// What the loss is about.
  var subjects: [Subject] { get }

  /// The sites it reads, of those a model has.
  /// - Throws: ``DiffusionError`` when the model lacks them.
  func sites(among sites: [AttentionSite]) throws -> [AttentionSite]

  /// The loss of one pass.
  ///
  /// - Parameter maps: the probabilities of the sites it asked for, in the order it asked, each
  ///   `[1, head, pixel, token]`.
  func evaluate(_ maps: [Tensor]) -> ObjectiveValue
}
