public import AttentionTrace
public import PromptText
public import TensorEngine

/// A differentiable loss over a pass's attention.
///
/// An objective is a value: what it must know of the step before is handed to it. A map comes from a
/// softmax, but a model may still give one that is all zero in float32, so that a loss must be
/// finite for any map of numbers in 0…1, and so must its slope; see `Tensor.floored(at:)`.
public protocol AttentionObjective: Sendable {
  /// What the loss is about.
  var subjects: [Subject] { get }

  /// The sites it reads, of those a model has.
  /// - Throws: ``DiffusionError`` when the model lacks them.
  func sites(among sites: [AttentionSite]) throws -> [AttentionSite]

  /// Whether it reads what the softmax is taken of; `false` unless it says otherwise.
  var readsScores: Bool { get }

  /// The loss of one pass.
  func evaluate(_ maps: PassMaps) -> ObjectiveValue

  /// Names and shapes of what it remembers from step to step.
  var memoryShapes: [String: [Int]] { get }

  /// What the next step needs to know of this one, from the pass that predicted its noise: constants of
  /// the names and shapes of ``memoryShapes``.
  ///
  /// Where it ``remembersLooks``, it is asked after every look too, and the next pass of the same step is
  /// given what it answers.
  func remembered(of maps: PassMaps) -> [String: Tensor]

  /// Whether it remembers looks for a loss and for refinement, and not only the pass that predicted the
  /// noise; `false` unless it says otherwise.
  var remembersLooks: Bool { get }
}

extension AttentionObjective {
  /// Empty: the objective remembers nothing.
  public var memoryShapes: [String: [Int]] { [:] }
  /// Empty: the objective remembers nothing.
  public func remembered(of maps: PassMaps) -> [String: Tensor] { [:] }
  public var remembersLooks: Bool { false }
  public var readsScores: Bool { false }
}
