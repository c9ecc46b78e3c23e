package import AttentionTrace
package import TensorEngine

/// Passes the attention of one UNet pass to observers, objectives and interventions.
///
/// Observers are lent numbers. An objective is given the tensors themselves, on the tape, and the
/// pass ends at the last site it reads. The two never meet: an observer cannot change a picture.
/// An intervention can, before either of them sees the layer.
package final class AttentionTap {
  package let pass: AttentionPass
  private let observers: [any AttentionObserver]
  let intervention: (any AttentionIntervention)?
  private var wanted: Set<String>
  private let endsEarly: Bool
  /// The probabilities of the sites the objective reads, `[branch, head, pixel, token]`, by path.
  package private(set) var maps: [String: Tensor] = [:]
  /// What their softmax is taken of, likewise, if the objective reads it.
  private var scores: [String: Tensor] = [:]
  private let keepsScores: Bool

  /// Opens a pass.
  ///
  /// - Parameters:
  ///   - intervention: changes the attention of the prompt's branch.
  ///   - sites: paths whose probabilities an objective reads.
  ///   - keepsScores: whether it reads what their softmax is taken of, too.
  ///   - endsEarly: whether the pass is of no use after the last of them.
  package init(
    pass: AttentionPass, observers: [any AttentionObserver] = [],
    intervention: (any AttentionIntervention)? = nil, sites: [String] = [],
    keepsScores: Bool = false, endsEarly: Bool = false
  ) {
    self.pass = pass
    self.observers = observers
    self.intervention = intervention
    wanted = Set(sites)
    self.keepsScores = keepsScores
    self.endsEarly = endsEarly
  }

  /// Thrown inside the UNet when nothing more of the pass is needed.
  struct PassIsOver: Error {}

  /// Whether the attention of a site is not the layer's own in this pass.
  func isChanged(_ site: AttentionSite) -> Bool {
    intervention?.acts(at: site, in: pass) ?? false
  }

  /// The observers that want to see a point.
  func observers(wanting site: AttentionSite, _ point: AttentionPoint) -> [any AttentionObserver] {
    observers.filter { $0.wants(site, point, in: pass) }
  }

  /// Lends a point's values to those who asked.
  func show(
    _ values: Tensor, to observers: [any AttentionObserver], at site: AttentionSite,
    _ point: AttentionPoint
  ) {
    for observer in observers {
      values.withSpan { observer.observe($0, at: site, point, in: pass) }
    }
  }

  /// Whether the objective reads a site that it has not got yet.
  func wants(_ site: AttentionSite) -> Bool { wanted.contains(site.path) }

  /// Takes what an attention's softmax is taken of for the objective, before its probabilities.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  func offer(scores: Tensor, at site: AttentionSite) throws {
    guard keepsScores, wants(site) else { return }
    try check(scores, site.path)
    self.scores[site.path] = scores
  }

  /// Takes an attention's probabilities for the objective.
  /// - Throws: `PassIsOver` after the last that it reads, if nothing else is wanted of the pass;
  ///   ``DiffusionError/notFinite(layer:step:phase:)``.
  func offer(_ probabilities: Tensor, at site: AttentionSite) throws {
    guard wanted.remove(site.path) != nil else { return }
    try check(probabilities, site.path)
    maps[site.path] = probabilities
    if wanted.isEmpty, endsEarly { throw PassIsOver() }
  }

  /// What an objective is given of the pass: one branch of the sites that were collected for it.
  func maps(of sites: [AttentionSite], branch: Int, memory: [String: Tensor]) -> PassMaps {
    func row(_ tensors: [String: Tensor]) -> [Tensor] {
      sites.compactMap { tensors[$0.path]?.sliced(axis: 0, branch..<branch + 1) }
    }
    return PassMaps(
      sites: sites, probabilities: row(maps), scores: row(scores), step: pass.step,
      phase: pass.phase, memory: memory)
  }

  /// Stops a run at the layer where numbers went wrong.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  func check(_ value: Tensor, _ layer: String) throws {
    try value.requireFinite(layer, step: pass.step, phase: pass.phase)
  }
}

extension Tensor {
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)`` if a number is NaN or infinite.
  package func requireFinite(_ layer: String, step: Int? = nil, phase: Phase? = nil) throws {
    guard isFinite else {
      throw DiffusionError.notFinite(layer: layer, step: step, phase: phase)
    }
  }
}
