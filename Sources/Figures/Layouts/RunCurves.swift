internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
internal import PromptText

/// What was recorded of a run at each step.
struct RunCurves {
  /// `[subject or pair][step]`; measures that were not recorded are absent.
  private(set) var values: [CurveMeasure: [[Double]]] = [:]
  /// What the maps' numbers are; `nil` where none were read.
  private(set) var quantity: String?
  /// How the excitation scores are made of the maps; `nil` where the run measured them, or there are none.
  private(set) var scoreRecipe: Recipe?
  private let path: String
  private let calls: Int
  /// Why there are no maps.
  private var mapError: AnalysisError?

  /// Measures `run`; its maps only if a recipe is given.
  init(_ run: RecordedRun, by recipe: Recipe?, weights: [String: HeadWeights]) throws {
    (path, calls) = (run.folder.path, run.calls.count)
    let steps = run.manifest.timesteps.count
    let subjects = run.manifest.subjects
    for call in run.noisePredictions where (0..<steps).contains(call.step) {
      guard let measured = call.measurement else { continue }
      set(.loss, [Double(measured.loss)], at: call.step, of: steps)
    }
    guard !subjects.isEmpty else { return }
    let scores = try ExcitationScores(run)
    scoreRecipe = scores.recipe
    for point in scores.points where (0..<steps).contains(point.call.step) {
      set(.score, point.scores.map(Double.init), at: point.call.step, of: steps)
    }
    guard let recipe else { return }
    do {
      try readMaps(run, subjects, recipe.resolved(for: run), weights, steps: steps)
    } catch let error as AnalysisError {
      guard case .nothingSelected = error else { throw error }
      mapError = error
    }
  }

  private mutating func readMaps(
    _ run: RecordedRun, _ subjects: [Subject], _ recipe: Recipe, _ weights: [String: HeadWeights],
    steps: Int
  ) throws {
    let subjects = try run.subjects(subjects, by: recipe)
    let tokens = Set(subjects.flatMap(\.tokens)).sorted()
    for (call, maps) in try run.timeline(tokens: tokens, by: recipe, weights: weights)
    where (0..<steps).contains(call.step) {
      if quantity == nil {
        quantity =
          MapQuantity(maps.recipe, layers: maps.layers, grid: maps.grid, calls: nil).description
      }
      let each = try subjects.map { try maps.map(of: $0) }
      set(.peak, each.map { $0.maximum.map(Double.init) ?? .nan }, at: call.step, of: steps)
      set(
        .entropy, each.map { MapStatistics(of: $0).relativeEntropy }, at: call.step, of: steps)
      guard each.count > 1 else { continue }
      let pairs = each.indices.flatMap { i in
        each[(i + 1)...].map { MapOverlap(each[i], $0).softJaccard }
      }
      set(.overlap, pairs, at: call.step, of: steps)
    }
  }

  private mutating func set(
    _ measure: CurveMeasure, _ numbers: [Double], at step: Int, of steps: Int
  ) {
    let nothing = [[Double]](
      repeating: [Double](repeating: .nan, count: steps), count: numbers.count)
    for (index, number) in numbers.enumerated() {
      values[measure, default: nothing][index][step] = number
    }
  }

  /// The values of a run beside others of up to `steps` steps; NaN where it has fewer.
  func values(upTo steps: Int) -> [CurveMeasure: [[Double]]] {
    values.mapValues { lines in
      lines.map { $0 + [Double](repeating: .nan, count: max(0, steps - $0.count)) }
    }
  }

  /// What says that a measure was not recorded.
  func missing(_ measure: CurveMeasure) -> AnalysisError {
    if measure.isOfMaps, let mapError { return mapError }
    return .nothingSelected(
      run: path, what: measure.words,
      recorded:
        "\(calls) calls without what an objective measures in the pass that predicts the noise"
    )
  }
}

extension CurveMeasure {
  /// Whether it is measured on the recorded maps, and not in the passes of the run.
  var isOfMaps: Bool { self == .peak || self == .entropy || self == .overlap }

  /// The axis between 0 and 1 that it has at least, with thresholds of the method.
  var isOfLoss: Bool { self == .score || self == .loss }

  /// What is measured.
  var words: String {
    switch self {
    case .peak: "maps for peak attention"
    case .score: "excitation scores"
    case .loss: "loss"
    case .entropy: "maps for entropy"
    case .overlap: "maps for overlap"
    }
  }
}
