public import AttentionTrace
public import TensorEngine

/// The maps of one pass, as an objective receives them.
public struct PassMaps: Sendable {
  /// The sites that the objective asked for, in its order.
  public let sites: [AttentionSite]
  /// Each site's probabilities, `[1, head, pixel, key]`; on a tape where a gradient is wanted.
  public let probabilities: [Tensor]
  /// What the softmax is taken of, of the same sites and shapes; empty where the objective does not read it.
  public let scores: [Tensor]
  /// The scheduler's iteration, from 0.
  public let step: Int
  /// What the pass is for.
  public let phase: Phase
  /// What the objective remembered of the step before; empty in the first step.
  public let memory: [String: Tensor]

  /// The probabilities of `sites` in one pass of the prompt, in the same order.
  public init(
    sites: [AttentionSite], probabilities: [Tensor], scores: [Tensor] = [], step: Int = 0,
    phase: Phase = .denoise, memory: [String: Tensor] = [:]
  ) {
    self.sites = sites
    self.probabilities = probabilities
    self.scores = scores
    self.step = step
    self.phase = phase
    self.memory = memory
  }

  /// The same maps as constants.
  var detached: PassMaps {
    PassMaps(
      sites: sites, probabilities: probabilities.map(\.detached), scores: scores.map(\.detached),
      step: step, phase: phase, memory: memory)
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
