public import AttentionTrace
public import PromptText
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

  /// The loss of one pass.
  func evaluate(_ maps: PassMaps) -> ObjectiveValue

  /// Names and shapes of what it remembers from step to step.
  var memoryShapes: [String: [Int]] { get }

  /// What the next step needs to know of this one, from the pass that predicted its noise: constants of
  /// the names and shapes of ``memoryShapes``.
  func remembered(of maps: PassMaps) -> [String: Tensor]
}

extension AttentionObjective {
  /// Empty: the objective remembers nothing.
  public var memoryShapes: [String: [Int]] { [:] }
  /// Empty: the objective remembers nothing.
  public func remembered(of maps: PassMaps) -> [String: Tensor] { [:] }
}

/// The maps of one pass, as an objective receives them.
public struct PassMaps: Sendable {
  /// The sites that the objective asked for, in its order.
  public let sites: [AttentionSite]
  /// Each site's probabilities, `[1, head, pixel, key]`; on a tape where a gradient is wanted.
  public let probabilities: [Tensor]
  /// The scheduler's iteration, from 0.
  public let step: Int
  /// What the objective remembered of the step before; empty in the first step.
  public let memory: [String: Tensor]

  /// The probabilities of `sites` in one pass of the prompt, in the same order.
  public init(
    sites: [AttentionSite], probabilities: [Tensor], step: Int = 0, memory: [String: Tensor] = [:]
  ) {
    self.sites = sites
    self.probabilities = probabilities
    self.step = step
    self.memory = memory
  }

  /// The mean over the heads and layers of one kind at one grid, `[pixel, key]`; each row sums to 1.
  /// - Precondition: the objective asked for at least one such site.
  public func average(_ kind: AttentionSite.Kind = .cross, at grid: Grid) -> Tensor {
    let chosen = zip(sites, probabilities).filter { $0.0.kind == kind && $0.0.grid == grid }
    return Self.average(chosen.map(\.1))
  }

  /// The mean over heads and layers of maps `[1, head, pixel, key]`, `[pixel, key]`.
  package static func average(_ maps: [Tensor]) -> Tensor {
    Tensor.concatenated(
      maps.map { $0.reshaped([$0.shape[0] * $0.shape[1], $0.shape[2], $0.shape[3]]) }, axis: 0
    ).meanOverFirstAxis
  }
}
