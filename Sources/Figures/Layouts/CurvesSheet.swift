package import AttentionAnalysis
package import AttentionTrace
package import Drawing
internal import PromptText

/// Measures of runs over the denoising steps: a panel for each, a line for each method.
///
/// Of five and more seeds of a method the median is drawn, in a band from the 25th to the 75th
/// percentile; of fewer, each seed's line.
package struct CurvesSheet: Sendable {
  /// A method and its results over the steps.
  package struct Method: Sendable {
    /// As in `Attend-and-Excite`.
    package var title: String
    /// Whether it is the method without guidance.
    package var isPlain: Bool
    /// The seeds of its runs, ascending.
    package var seeds: [UInt64]
    /// Steps up to the last that moved the latent, of any seed.
    package var alteredSteps: Int
    /// Attention that every subject must reach, by step.
    package var thresholds: [Int: Double]
    /// Tries of iterative refinement, by step, added up over the seeds.
    package var tries: [Int: Int]

    package init(
      title: String, isPlain: Bool, seeds: [UInt64], alteredSteps: Int = 0,
      thresholds: [Int: Double] = [:], tries: [Int: Int] = [:]
    ) {
      self.title = title
      self.isPlain = isPlain
      self.seeds = seeds
      self.alteredSteps = alteredSteps
      self.thresholds = thresholds
      self.tries = tries
    }
  }

  /// One measure of one subject or pair.
  package struct Panel: Sendable {
    package var measure: CurveMeasure
    /// The subjects measured: none for the loss, two for an overlap.
    package var subjects: [String]
    /// `[method][seed][step]`; NaN where nothing was recorded.
    package var values: [[[Double]]]

    package init(measure: CurveMeasure, subjects: [String], values: [[[Double]]]) {
      self.measure = measure
      self.subjects = subjects
      self.values = values
    }
  }

  package var prompt: String
  /// Denoising steps.
  package var steps: Int
  /// The method without guidance first; one at least.
  package var methods: [Method]
  /// In the order in which they are drawn; one at least.
  package var panels: [Panel]
  /// What the maps of peak attention, entropy and overlap measure; empty where none were read.
  package var quantity: String
  /// What was requested but not recorded, and which latents are out of range, a sentence each.
  package var gaps: [String]
  /// How scores were made that no run measured, in sentences.
  var scoreNotes: [String] = []
  package var metadata: Scene.Metadata

  package init(
    prompt: String, steps: Int, methods: [Method], panels: [Panel], quantity: String,
    gaps: [String] = [], metadata: Scene.Metadata
  ) {
    self.prompt = prompt
    self.steps = steps
    self.methods = methods
    self.panels = panels
    self.quantity = quantity
    self.gaps = gaps
    self.metadata = metadata
  }

  /// How each method looks.
  var styles: [CurveStyle] { CurveStyle.styles(arePlain: methods.map(\.isPlain)) }

  /// The words that have colours, in the order of their panels.
  var words: [String] { panels.filter { $0.subjects.count == 1 }.flatMap(\.subjects).uniqued }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard !methods.isEmpty, !panels.isEmpty else {
      throw FigureError.inconsistentSheet("no run or no measure to show")
    }
    let others = methods.count { !$0.isPlain }
    guard others <= CurveStyle.guided.count else {
      throw FigureError.inconsistentSheet(
        "\(others) methods apart from \(RunManifest.Method.plainTitle); lines of "
          + "\(CurveStyle.guided.count) at most can be told apart")
    }
  }
}

extension CurvesSheet {
  /// A sheet of recorded runs of one prompt.
  ///
  /// - Parameters:
  ///   - runs: in any order; of each method and seed one at most.
  ///   - measures: what is drawn, in this order; empty for what was recorded of peak attention, loss,
  ///     entropy and overlap, with the excitation score where there is no map for the peak.
  ///   - recipe: how the maps of peak, entropy and overlap are made at each step; `nil` for the mean over
  ///     heads and the layers that the loss reads. Of several passes of a step the last counts.
  ///   - weights: the head weights that the recipe names, by path.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when the runs cannot be compared, or none has what was asked for;
  ///   `TraceError` when a file is damaged; ``FigureError`` for no run, one given twice, or an overlap
  ///   of a single subject.
  package init(
    runs: [RecordedRun], measures: [CurveMeasure] = [], recipe: Recipe? = nil,
    weights: [String: HeadWeights] = [:], software: String
  ) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    let groups = try Self.grouped(runs)
    let subjects = first.manifest.subjects
    if measures.contains(.overlap), subjects.count < 2 {
      throw FigureError.inconsistentSheet(
        "\(subjects.count) subject\(subjects.count == 1 ? "" : "s"); overlap needs two or more")
    }
    let maps = recipe ?? Recipe(layers: Recipe.lossGrid)
    let readsMaps = measures.isEmpty || measures.contains(where: \.isOfMaps)
    let curves = try groups.map { runs in
      try runs.map { try RunCurves($0, by: readsMaps ? maps : nil, weights: weights) }
    }
    let steps = runs.map(\.manifest.timesteps.count).max() ?? 0
    let hasPeaks = curves.joined().contains { $0.values[.peak] != nil }
    let chosen =
      measures.isEmpty ? [hasPeaks ? .peak : .score, .loss, .entropy, .overlap] : measures
    (panels, gaps) = try Self.panels(
      chosen, of: curves, subjects.map(\.name), steps: steps,
      isRequired: { measure in
        !measures.isEmpty || recipe != nil && measure.isOfMaps
      })
    for run in runs where run.manifest.status == .running {
      let step = run.calls.last?.step
      gaps.append(
        "\(run.manifest.method.figureTitle), seed \(run.manifest.seed), is unfinished: drawn up to step "
          + "\(step.map(String.init) ?? "none").")
    }
    gaps += Scene.warnings(of: runs)
    scoreNotes = ExcitationScores.notes(curves.joined().compactMap(\.scoreRecipe))
    let baseline = NeglectComparison.baseline(of: runs.map(\.manifest))
    methods = groups.map { Self.method($0, baseline: baseline) }
    prompt = first.manifest.tokens.prompt
    self.steps = steps
    quantity = MapQuantity.text(
      of: zip(methods, curves).flatMap { method, curves in
        curves.compactMap(\.quantity).map { (method: method.title, quantity: $0) }
      })
    metadata = Scene.Metadata(
      of: first.manifest, software: software,
      manifest: Self.provenance(groups, panels, recipe: maps))
  }

  /// The runs of each method by seed, the method without guidance first.
  private static func grouped(_ runs: [RecordedRun]) throws -> [[RecordedRun]] {
    for run in runs.dropFirst() { try runs[0].requireComparable(with: run) }
    return try NeglectComparison.methods(of: runs.map(\.manifest)).map { name in
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

  private static func method(_ runs: [RecordedRun], baseline: String) -> Method {
    let method = runs[0].manifest.method
    return Method(
      title: method.figureTitle, isPlain: method.name == baseline,
      seeds: runs.map(\.manifest.seed), alteredSteps: Scene.alteredSteps(of: runs),
      thresholds: method.thresholds,
      tries: runs.reduce(into: [:]) { $0.merge($1.refinementTries, uniquingKeysWith: +) })
  }

  /// The panels of what was recorded, and sentences on what was not.
  private static func panels(
    _ measures: [CurveMeasure], of curves: [[RunCurves]], _ names: [String], steps: Int,
    isRequired: (CurveMeasure) -> Bool
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
        gaps.append("\(lacking.count) of \(all.count) runs did not record \(measure.words).")
      }
      let nothing = [Double](repeating: .nan, count: steps)
      panels += subjects.indices.map { index in
        Panel(
          measure: measure, subjects: subjects[index],
          values: curves.map { $0.map { $0.values(upTo: steps)[measure]?[index] ?? nothing } })
      }
    }
    if panels.isEmpty, let run = curves.joined().first { throw run.missing(.loss) }
    return (panels, gaps)
  }

  /// Whose panels a measure has.
  private static func subjects(of measure: CurveMeasure, among names: [String]) -> [[String]] {
    switch measure {
    case .loss: [[]]
    case .peak, .score, .entropy: names.map { [$0] }
    case .overlap:
      names.indices.flatMap { i in names[(i + 1)...].map { [names[i], $0] } }
    }
  }

  private static func provenance(
    _ groups: [[RecordedRun]], _ panels: [Panel], recipe: Recipe
  ) -> OrderedJSON {
    [
      "layout": "curves", "measures": .texts(panels.map(\.measure.rawValue).uniqued),
      "recipe": .text(recipe.description),
      "seeds": .object(
        groups.map { .init($0[0].manifest.method.name, .integers($0.map(\.manifest.seed))) }),
    ]
  }
}
