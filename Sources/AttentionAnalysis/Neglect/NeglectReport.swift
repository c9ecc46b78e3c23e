public import AttentionTrace
internal import PromptText

/// How excitation changed a run, and the verdict on each of its subjects.
public struct NeglectReport: Sendable {
  /// How far the method moved the latent at a step; not at all where the norm is 0.
  public struct Movement: Hashable, Sendable, Codable {
    /// The scheduler's iteration.
    public let step: Int
    /// The Euclidean norm of what was added to the latent.
    public let norm: Float
    /// The same as a share of the latent's norm.
    public let relative: Float
  }

  /// The run's folder.
  public let path: String
  /// The run's manifest.
  public let manifest: RunManifest
  /// The steps that ``SubjectNeglect/score`` averages over.
  public let window: ClosedRange<Int>
  /// The results of each subject.
  public let subjects: [SubjectNeglect]
  /// How the scores were made of the maps; `nil` where the run measured them, or there are none.
  public let scoreRecipe: Recipe?
  /// As ``ExcitationScores/isOfWordsAlone``.
  let isOfWordsAlone: Bool
  /// As ``ExcitationScores/lacksTokens``, of a run that has scores.
  let lacksTokens: Bool
  /// Why there are no scores, in words; `nil` where there are some.
  public let obstacle: String?
  /// The loss of each pass that predicts the noise, by step; empty where the run measured none.
  public let losses: [(step: Int, loss: Float)]
  /// Tries of refinement, by step; steps without are left out.
  public let tries: [Int: Int]
  /// The largest number of tries at a step; `nil` if it makes none.
  public let triesAllowed: Int?
  /// How far the latent was moved, by step; empty if it was not recorded.
  public let movements: [Movement]
  /// The largest absolute value of the latent at each step, in units of the initial noise; empty if it
  /// was not recorded.
  package let latentMagnitudes: [Int: Float]
  /// Distance of the subjects' peaks in cells of the loss's grid, by pair; empty where nothing was
  /// recorded there.
  public let peakDistances: [(first: String, second: String, distance: Double)]

  /// Reports on a run; of one that is still being made, on what is acknowledged.
  /// - Throws: ``AnalysisError`` for a run without subjects, `TraceError` when the store is damaged.
  public init(_ run: RecordedRun, criteria: NeglectCriteria = NeglectCriteria()) throws {
    (path, manifest) = (run.folder.path, run.manifest)
    guard !manifest.subjects.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: run.folder.path, what: "subjects", recorded: "a run that was made without any")
    }
    window = criteria.window(of: manifest.method, iterations: manifest.timesteps.count)
    let scores = try ExcitationScores(run)
    (scoreRecipe, obstacle) = (scores.recipe, scores.obstacle)
    isOfWordsAlone = scores.isOfWordsAlone
    lacksTokens = scores.lacksTokens && scores.recipe != nil
    let recorded = try Self.recorded(run, window)
    let thresholds = manifest.method.thresholds
    subjects = manifest.subjects.indices.map { [manifest, window] index in
      SubjectNeglect(
        manifest.subjects[index],
        scores.points.map { SubjectNeglect.Point(step: $0.call.step, score: $0.scores[index]) },
        thresholds: thresholds.isEmpty ? NeglectCriteria.publishedThresholds : thresholds, criteria,
        window: window, recorded: recorded?[index], isOfMaps: scores.recipe != nil)
    }
    losses = scores.points.compactMap { point in point.loss.map { (point.call.step, $0) } }
    tries = run.refinementTries
    triesAllowed = manifest.settings["max-refinement-steps"].flatMap { Int($0) }
    movements = scores.points.map(\.call).compactMap { call in
      call.measurement?.displacement.map {
        Movement(step: call.step, norm: $0.norm, relative: $0.relative)
      }
    }
    latentMagnitudes = run.latentMagnitudes
    peakDistances = Self.distances(subjects)
  }

  /// The verdict on each subject of a run by the scores that its objective measured, in their order.
  ///
  /// It reads no map, so that it takes no longer for a large recording: of a run without measurements, every
  /// verdict is that nothing was measured.
  static func measuredVerdicts(
    _ run: RecordedRun, criteria: NeglectCriteria = NeglectCriteria()
  ) -> [(subject: String, verdict: NeglectVerdict)] {
    let window = criteria.window(
      of: run.manifest.method, iterations: run.manifest.timesteps.count)
    let measured = ExcitationScores.measured(in: run)
    return run.manifest.subjects.enumerated().map { index, subject in
      let course = measured.map {
        SubjectNeglect.Point(step: $0.call.step, score: $0.scores[index])
      }
      return (subject.name, SubjectNeglect.verdict(on: course, in: window, criteria))
    }
  }

  /// The excitation score of the weakest subject, over the window.
  public var weakest: Float { weakest(in: window) }

  /// The same over other steps; NaN where a subject is not measured there.
  func weakest(in window: ClosedRange<Int>) -> Float {
    subjects.map { $0.mean(in: window) }.min { $0 < $1 || $0.isNaN } ?? .nan
  }

  /// Whether a subject is neglected or lost.
  public var hasNeglect: Bool { subjects.contains(where: \.verdict.isNeglect) }

  /// Reports by their weakest subject: first those without a measurement, then the most neglected first;
  /// equal ones in the order given.
  public static func ranked(_ reports: [NeglectReport]) -> [NeglectReport] {
    reports.enumerated().sorted { a, b in
      let (left, right) = (a.element.weakest, b.element.weakest)
      return left == right || left.isNaN && right.isNaN
        ? a.offset < b.offset : left < right || left.isNaN
    }.map(\.element)
  }

  /// How many steps moved the latent; `nil` if it was not recorded.
  public var movedSteps: Int? { movements.isEmpty ? nil : movements.count { $0.norm > 0 } }

  /// The sum of the movements' norms.
  public var moved: Float? {
    movements.isEmpty ? nil : movements.reduce(0) { $0 + $1.norm }
  }

  /// The steps at which refinement gave up before its target: there the latent may be out of
  /// distribution.
  public var exhaustedSteps: [Int] {
    tries.filter { $0.value >= triesAllowed ?? .max }.keys.sorted()
  }

  /// Each subject's share of the words' mass and its peak, over the window; `nil` if the recording
  /// lacks the loss's grid or the subjects' tokens.
  private static func recorded(
    _ run: RecordedRun, _ window: ClosedRange<Int>
  ) throws -> [(massShare: Double?, peak: MapPeak)]? {
    let grid = run.manifest.method.grid
    let there = run.sites.filter { $0.site.kind.readsText && $0.grid == grid }
    guard let site = there.first, let tokens = site.tokens else { return nil }
    let words = run.manifest.tokens.content
    let hasWords = Set(tokens).isSuperset(of: words)
    let needed = Set(run.manifest.subjects.flatMap(\.tokens))
    guard Set(tokens).isSuperset(of: needed) else { return nil }
    let recipe = Recipe(layers: Recipe.lossGrid, steps: window)
    let maps: AggregatedMaps
    do {
      maps = try run.aggregate(tokens: hasWords ? words : needed.sorted(), by: recipe)
    } catch AnalysisError.nothingSelected {
      return nil
    }
    let total = maps.values.reduce(0.0) { $0 + Double($1) }
    return try run.manifest.subjects.map { subject in
      let mass = try subject.tokens.reduce(0.0) { sum, token in
        let map = try maps.map(of: Subject(name: subject.name, tokens: [token]))
        return sum + map.values.reduce(0.0) { $0 + Double($1) }
      }
      return (hasWords && total > 0 ? mass / total : nil, MapPeak(of: try maps.map(of: subject)))
    }
  }

  private static func distances(
    _ subjects: [SubjectNeglect]
  ) -> [(first: String, second: String, distance: Double)] {
    subjects.indices.flatMap { i in
      subjects.indices.filter { $0 > i }.compactMap { j in
        guard let first = subjects[i].peak, let second = subjects[j].peak else { return nil }
        return (
          subjects[i].subject.name, subjects[j].subject.name,
          first.point.distance(to: second.point)
        )
      }
    }
  }
}
