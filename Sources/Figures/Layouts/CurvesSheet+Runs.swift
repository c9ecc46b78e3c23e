public import AttentionAnalysis
public import AttentionTrace
internal import PromptText

extension CurvesSheet {
  static let plainMethod = NeglectComparison.plainMethod

  /// A sheet of recorded runs of one prompt, without a model.
  ///
  /// - Parameters:
  ///   - runs: in any order; of each method and seed one at most.
  ///   - measures: what is drawn, in this order; empty for all that was recorded.
  ///   - recipe: how the maps of entropy and overlap are made at each step; `nil` for the mean over
  ///     heads and the layers that the loss reads. Of several passes of a step the last counts.
  ///   - weights: the head weights that the recipe names, by path.
  ///   - software: what draws the sheet, with the version.
  /// - Throws: `AnalysisError` when the runs cannot be compared, or none has what was asked for;
  ///   `TraceError` when a file is damaged; ``FigureError`` for no run, one given twice, or an overlap
  ///   of a single subject.
  public init(
    runs: [RecordedRun], measures: [Measure] = [], recipe: Recipe? = nil,
    weights: [String: HeadWeights] = [:], software: String
  ) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    let groups = try Self.grouped(runs)
    let subjects = first.manifest.subjects
    if measures.contains(.overlap), subjects.count < 2 {
      throw FigureError.inconsistentSheet(
        "\(subjects.count) subject\(subjects.count == 1 ? "" : "s"); overlap needs two or more")
    }
    let chosen = measures.isEmpty ? Measure.allCases : measures
    let maps = recipe ?? Recipe(layers: Recipe.lossGrid)
    let readsMaps = chosen.contains(.entropy) || chosen.contains(.overlap)
    let curves = try groups.map { runs in
      try runs.map { try RunCurves($0, by: readsMaps ? maps : nil, weights: weights) }
    }
    (panels, gaps) = try Self.panels(
      chosen, of: curves, subjects.map(\.name), steps: first.manifest.timesteps.count,
      isRequired: { measure in
        !measures.isEmpty || recipe != nil && (measure == .entropy || measure == .overlap)
      })
    for run in runs where run.manifest.status == .running {
      let (method, step) = (run.manifest.method.name, run.calls.last?.step)
      gaps.append(
        "\(CompareSheet.title(method)), seed \(run.manifest.seed), is unfinished: drawn up to step "
          + "\(step.map(String.init) ?? "none").")
    }
    methods = groups.map(Self.method)
    prompt = first.manifest.tokens.prompt
    steps = first.manifest.timesteps.count
    self.recipe = maps.resolved(for: first.manifest).description
    metadata = Scene.Metadata(
      of: first.manifest, software: software,
      manifest: Self.provenance(groups, panels, recipe: maps))
  }

  /// The runs of each method by seed, the method without guidance first.
  private static func grouped(_ runs: [RecordedRun]) throws -> [[RecordedRun]] {
    for run in runs.dropFirst() { try runs[0].requireComparable(with: run) }
    let plainFirst = runs.filter { $0.manifest.method.name == plainMethod }
    return try (plainFirst + runs).map(\.manifest.method.name).uniqued.map { name in
      let group = runs.filter { $0.manifest.method.name == name }
        .sorted { $0.manifest.seed < $1.manifest.seed }
      for (one, other) in zip(group, group.dropFirst()) {
        try group[0].requireComparable(with: other)
        guard one.manifest.seed != other.manifest.seed else {
          throw FigureError.inconsistentSheet(
            "\(one.folder.path) and \(other.folder.path) are both seed \(one.manifest.seed) of "
              + "\(name); give one of them")
        }
      }
      return group
    }
  }

  private static func method(_ runs: [RecordedRun]) -> Method {
    let method = runs[0].manifest.method
    return Method(
      title: CompareSheet.title(method.name), isPlain: method.name == plainMethod,
      seeds: runs.map(\.manifest.seed), alteredSteps: method.alteredSteps,
      thresholds: method.thresholds,
      tries: runs.reduce(into: [:]) { $0.merge($1.refinementTries, uniquingKeysWith: +) })
  }

  /// The panels of what was recorded, and sentences on what was not.
  private static func panels(
    _ measures: [Measure], of curves: [[RunCurves]], _ names: [String], steps: Int,
    isRequired: (Measure) -> Bool
  ) throws -> ([Panel], [String]) {
    var (panels, gaps): ([Panel], [String]) = ([], [])
    for measure in measures {
      let subjects = subjects(of: measure, among: names)
      let all = curves.joined()
      let lacking = all.filter { $0.values[measure] == nil }
      if lacking.count == all.count {
        if isRequired(measure) { throw lacking[lacking.startIndex].missing(measure) }
        if !subjects.isEmpty { gaps.append("No run recorded \(measure.words).") }
        continue
      }
      if !lacking.isEmpty {
        gaps.append("\(lacking.count) of \(all.count) runs recorded no \(measure.words).")
      }
      let nothing = [Double](repeating: .nan, count: steps)
      panels += subjects.indices.map { index in
        Panel(
          measure: measure, subjects: subjects[index],
          values: curves.map { $0.map { $0.values[measure]?[index] ?? nothing } })
      }
    }
    if panels.isEmpty, let run = curves.joined().first { throw run.missing(.loss) }
    return (panels, gaps)
  }

  /// Whose panels a measure has.
  private static func subjects(of measure: Measure, among names: [String]) -> [[String]] {
    switch measure {
    case .loss: [[]]
    case .maxima, .entropy: names.map { [$0] }
    case .overlap:
      names.indices.flatMap { i in names[(i + 1)...].map { [names[i], $0] } }
    }
  }

  private static func provenance(
    _ groups: [[RecordedRun]], _ panels: [Panel], recipe: Recipe
  ) -> String {
    let methods = groups.map { runs in
      let seeds = runs.map { String($0.manifest.seed) }.joined(separator: ", ")
      return "\(Scene.json(runs[0].manifest.method.name)): [\(seeds)]"
    }
    let measures = panels.map(\.measure.rawValue).uniqued
    return "{\"layout\": \"curves\", \"measures\": [\"\(measures.joined(separator: "\", \""))\"], "
      + "\"recipe\": \(Scene.json(recipe.description)), "
      + "\"seeds\": {\(methods.joined(separator: ", "))}}"
  }
}

extension CurvesSheet.Measure {
  /// What is measured.
  var words: String {
    switch self {
    case .loss: "loss"
    case .maxima: "largest attention"
    case .entropy: "maps for entropy"
    case .overlap: "maps for overlap"
    }
  }
}

/// What was recorded of a run at each step.
private struct RunCurves {
  /// `[subject or pair][step]`; measures that were not recorded are absent.
  private(set) var values: [CurvesSheet.Measure: [[Double]]] = [:]
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
      if !subjects.isEmpty, measured.maxima.count == subjects.count {
        set(.maxima, measured.maxima.map(Double.init), at: call.step, of: steps)
      }
    }
    guard let recipe, !subjects.isEmpty else { return }
    do {
      try readMaps(run, subjects, recipe.resolved(for: run.manifest), weights, steps: steps)
    } catch let error as AnalysisError {
      guard case .nothingSelected = error else { throw error }
      mapError = error
    }
  }

  private mutating func readMaps(
    _ run: RecordedRun, _ subjects: [Subject], _ recipe: Recipe, _ weights: [String: HeadWeights],
    steps: Int
  ) throws {
    let tokens = Set(subjects.flatMap(\.tokens)).sorted()
    for (call, maps) in try run.timeline(tokens: tokens, by: recipe, weights: weights)
    where (0..<steps).contains(call.step) {
      let each = try subjects.map { try maps.map(of: $0) }
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
    _ measure: CurvesSheet.Measure, _ numbers: [Double], at step: Int, of steps: Int
  ) {
    let nothing = [[Double]](
      repeating: [Double](repeating: .nan, count: steps), count: numbers.count)
    for (index, number) in numbers.enumerated() {
      values[measure, default: nothing][index][step] = number
    }
  }

  /// What says that a measure was not recorded.
  func missing(_ measure: CurvesSheet.Measure) -> AnalysisError {
    if measure == .entropy || measure == .overlap, let mapError { return mapError }
    return .nothingSelected(
      run: path, what: measure.words,
      recorded:
        "\(calls) calls without what an objective measures in the pass that predicts the noise"
    )
  }
}
