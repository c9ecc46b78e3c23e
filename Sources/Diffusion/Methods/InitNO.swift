internal import AttentionTrace

/// InitNO: noise that suits the prompt is searched for, and Attend-and-Excite goes on from it.
///
/// - Reference: Guo et al., InitNO: Boosting Text-to-Image Diffusion Models via Initial Noise
///   Optimization, CVPR 2024; ``NoiseSearch`` and ``InitialNoise``.
public struct InitNO: GenerationMethod {
  /// As on the command line.
  public let name = "initno"
  /// The search's knobs.
  public var search: NoiseSearch.Settings
  /// What the response and the conflict must fall below.
  public var targets: Targets
  /// When and how far afterwards.
  public var schedule: AttendAndExcite.Settings

  /// Bounds of the two scores.
  public struct Targets: Hashable, Sendable {
    /// Of the cross-attention's.
    public var response: Double
    /// Of the self-attention's.
    public var conflict: Double

    /// The published bounds, or others.
    public init(response: Double = 0.2, conflict: Double = 0.3) {
      self.response = response
      self.conflict = conflict
    }
  }

  /// The published schedule: 25 updates, and refinement until both targets are met at the iterations
  /// 10 and 20.
  public static var schedule: AttendAndExcite.Settings {
    var settings = AttendAndExcite.Settings()
    settings.thresholds = [10: 1, 20: 1]
    return settings
  }

  /// A method by its knobs.
  public init(
    search: NoiseSearch.Settings = .init(), targets: Targets = .init(),
    schedule: AttendAndExcite.Settings = Self.schedule
  ) {
    self.search = search
    self.targets = targets
    self.schedule = schedule
  }

  /// Iterations in which the latent is altered.
  public var alteredSteps: Int { schedule.maxIterations }
  /// The share of the targets that must be attained, by iteration.
  public var thresholds: [Int: Double] { schedule.thresholds }
  /// By the schedule's smoothing.
  public var measurement: AttendAndExcite.Settings { schedule }
  /// It excites subjects.
  public var needsSubjects: Bool { true }

  /// Every knob by its option's name.
  public var settings: [String: String] {
    schedule.settings.merging([
      "search-rounds": String(search.rounds), "search-steps": String(search.steps),
      "final-search-steps": String(search.finalSteps), "search-rate": String(search.rate),
      "search-divergence": String(search.divergence),
      "response-target": String(targets.response), "conflict-target": String(targets.conflict),
    ]) { $1 }
  }

  /// The search's looks in the first iteration, then the schedule's.
  public func looks(at step: Int) -> [MethodLook] {
    let searching = step == 0 ? search.looks : 0
    return (0..<searching).map { MethodLook(.refinement, attempt: $0 + 1) }
      + schedule.looks(at: step)
  }

  /// Sets the schedule's ``AttendAndExcite/Settings/looksAlways``.
  public func lookingAlways(_ always: Bool) -> Self {
    var method = self
    method.schedule.looksAlways = always
    return method
  }

  /// The guide that searches, then follows the schedule.
  /// - Throws: ``DiffusionError`` when the objective cannot be evaluated in this run, or the run does
  ///   not begin from noise.
  public func parts(for run: MethodContext) throws -> MethodParts {
    try DiffusionError.require(
      run.request.picture == nil, "the picture to begin from of \(name)", "given",
      "none: it searches for the noise to begin from")
    let objective = InitialNoise(
      subjects: run.request.subjects,
      targets: (Float(targets.response), Float(targets.conflict)), reading: run.reading(schedule))
    _ = try objective.sites(among: run.sites)
    return MethodParts(
      guide: NoiseSearch(
        AttendAndExcite(objective, schedule), search, scale: try run.initialNoiseScale,
        fresh: try run.freshNoise()))
  }
}
