package import AttentionAnalysis
package import AttentionTrace
package import Drawing
package import Pictures
internal import PromptText

/// Runs of a prompt by one method or several, seed by seed: large pictures, below them each word's map on one
/// shared scale, and curves on request.
///
/// Pure data: what to show, not how. ``scene(_:)`` lays it out.
package struct CompareSheet: Sendable {
  /// A word whose attention is shown.
  package struct Subject: Hashable, Sendable {
    /// The word, as in `cat`.
    package var name: String
    /// Which tokens it is, as in `token 2` or `tokens 5–6`.
    package var tokens: String

    /// Names a word and its tokens.
    package init(name: String, tokens: String) {
      self.name = name
      self.tokens = tokens
    }
  }

  /// How pictures were made.
  package struct Method: Hashable, Sendable {
    /// As in `Attend-and-Excite`.
    package var title: String
    /// Whether it is the method without guidance.
    package var isPlain: Bool

    package init(title: String, isPlain: Bool) {
      self.title = title
      self.isPlain = isPlain
    }
  }

  /// One method's result for a seed.
  package struct Run: Sendable {
    /// The picture.
    package var image: Picture
    /// `[subject]` the aggregated maps.
    package var maps: [AttentionMap]
    /// `[subject]` whether the method neglected it.
    package var verdicts: [NeglectVerdict]
    /// `[subject][step]` peak attention and excitation score.
    ///
    /// NaN at a step without one; what was not recorded, or is not shown, is absent.
    package var curves: [CurveMeasure: [[Double]]]
    /// Tries of iterative refinement, by step.
    package var tries: [Int: Int]
    /// How many steps moved the latent; `nil` if the run does not tell.
    package var movedSteps: Int?
    /// The boxes that the method kept subjects to, and those of a detector.
    var boxes: [PictureBox] = []
    /// The predicted picture of each of ``CompareSheet/picturedSteps``.
    package var stepPictures: [Picture] = []

    package init(
      image: Picture, maps: [AttentionMap], verdicts: [NeglectVerdict],
      curves: [CurveMeasure: [[Double]]] = [:], tries: [Int: Int] = [:], movedSteps: Int? = nil
    ) {
      self.image = image
      self.maps = maps
      self.verdicts = verdicts
      self.curves = curves
      self.tries = tries
      self.movedSteps = movedSteps
    }
  }

  /// Runs of all methods from the same initial noise.
  package struct Seed: Sendable {
    /// The seed of the noise.
    package var seed: UInt64
    /// `[method]`.
    package var runs: [Run]

    /// Results of a seed, in the order of the methods.
    package init(seed: UInt64, runs: [Run]) {
      self.seed = seed
      self.runs = runs
    }
  }

  /// The prompt.
  package var prompt: String
  /// The words shown, in the order of the maps; one to six.
  package var subjects: [Subject]
  /// From left to right, the method without guidance first; at least one.
  package var methods: [Method]
  /// The seeds, in order; at least one.
  package var seeds: [Seed]
  /// Denoising steps.
  package var steps: Int
  /// The steps whose predicted pictures are shown, ascending; empty for none.
  package var picturedSteps: [Int] = []
  /// Steps up to the last that moved the latent, of any seed; 0 if none did.
  package var alteredSteps: Int
  /// Excitation score that every subject must reach, by step.
  package var thresholds: [Int: Double]
  /// What the maps' colours measure and in which unit, as in `mean attention probability, 16×16,
  /// 3 layers × 4 heads, 50 steps`.
  package var recipe: String
  /// What is drawn below each seed.
  package var curves: CompareCurves
  /// Whether the runs of a seed begin from the same noise: those of several pipelines do not.
  package var sharesNoise = true
  /// What else a reader must know, in sentences below the sheet.
  package var notes: [String] = []
  /// Date, software and provenance for the file.
  package var metadata: Scene.Metadata

  package init(
    prompt: String, subjects: [Subject], methods: [Method], seeds: [Seed], steps: Int,
    alteredSteps: Int, thresholds: [Int: Double], recipe: String,
    curves: CompareCurves = .without, metadata: Scene.Metadata
  ) {
    self.prompt = prompt
    self.subjects = subjects
    self.methods = methods
    self.seeds = seeds
    self.steps = steps
    self.alteredSteps = alteredSteps
    self.thresholds = thresholds
    self.recipe = recipe
    self.curves = curves
    self.metadata = metadata
  }

  /// All maps, seed by seed.
  var maps: [AttentionMap] { seeds.flatMap { $0.runs.flatMap(\.maps) } }

  /// The measures of which every seed has a chart.
  var charts: [CurveMeasure] {
    let wanted: [CurveMeasure] =
      switch curves {
      case .without: []
      case .strip: [.peak]
      case .full: [.peak, .score]
      }
    return wanted.filter { measure in
      seeds.contains { $0.runs.contains { $0.curves[measure] != nil } }
    }
  }

  /// The runs in which a subject is missing, as in `cat of Stable Diffusion (seeds 0, 3)`.
  var missing: [String] {
    methods.indices.flatMap { method in
      subjects.indices.compactMap { subject -> String? in
        let without = seeds.filter { $0.runs[method].verdicts[subject].isMissing }
        guard !without.isEmpty else { return nil }
        return "\(subjects[subject].name) of \(methods[method].title) "
          + FigureCaption.list("seed", without.map { String($0.seed) })
      }
    }
  }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard !subjects.isEmpty else {
      throw FigureError.inconsistentSheet("no subject to show: the runs have none")
    }
    guard !seeds.isEmpty else { throw FigureError.inconsistentSheet("no seed to show") }
    guard !methods.isEmpty, methods.count(where: { !$0.isPlain }) <= CurveStyle.guided.count
    else {
      throw FigureError.inconsistentSheet(
        "\(methods.count) methods; 1 to \(CurveStyle.guided.count + 1) can be shown")
    }
    for seed in seeds {
      guard seed.runs.count == methods.count else {
        throw FigureError.inconsistentSheet(
          "seed \(seed.seed): \(seed.runs.count) runs for \(methods.count) methods")
      }
      for (method, run) in zip(methods, seed.runs) {
        let counts =
          [
            ("maps", run.maps.count), ("verdicts", run.verdicts.count),
          ] + run.curves.map { ("curves of \($0.key.rawValue)", $0.value.count) }
        guard run.stepPictures.count == picturedSteps.count else {
          throw FigureError.inconsistentSheet(
            "\(method.title), seed \(seed.seed): \(run.stepPictures.count) predicted pictures for "
              + "\(picturedSteps.count) steps")
        }
        for (what, count) in counts where count != subjects.count {
          throw FigureError.inconsistentSheet(
            "\(method.title), seed \(seed.seed): \(count) \(what) for \(subjects.count) subjects")
        }
      }
    }
  }
}

extension NeglectVerdict {
  /// Whether the subject is likely to be missing from the picture.
  var isMissing: Bool { self == .neglected || self == .lost }
}

extension CompareSheet {
  /// A sheet of recorded runs: for each seed one of each method.
  ///
  /// - Parameters:
  ///   - runs: of one prompt, in any order; ``NeglectComparison/baseline(of:)`` is the method without
  ///     guidance. Each run's words are looked up in its own text.
  ///   - recipe: how maps are made; `nil` for the mean over all steps at the objective's grid.
  ///   - curves: what is drawn below each seed.
  ///   - stepsPictures: the steps whose predicted pictures are shown; an empty list for four from the first to
  ///     the last of those that were kept, and `nil` for none.
  ///   - detections: whose boxes are drawn; `nil` for none.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when the runs do not go together or lack what the recipe asks for,
  ///   `TraceError` and ``FigureError`` when a file is damaged.
  package init(
    runs: [RecordedRun], recipe: Recipe? = nil, curves: CompareCurves = .without,
    stepsPictures: [Int]? = nil, detections: RunDetections? = nil, software: String
  ) throws {
    let pictured = try stepsPictures.map { try Self.picturedSteps($0, of: runs) } ?? []
    let groups = try Self.grouped(runs)
    let guided = groups[min(1, groups.count - 1)][0].manifest
    let recipe = recipe ?? Recipe(layers: Recipe.lossGrid)
    let weights = try HeadWeights.named(by: recipe)
    var quantities: [(method: String, quantity: String)] = []
    var scoreRecipes: [Recipe] = []
    let steps = runs.map(\.manifest.timesteps.count).max() ?? 0
    let seeds = try groups[0].indices.map { index in
      let runs = try groups.indices.map { method in
        let run = groups[method][index]
        let maps = try run.maps(
          of: try run.subjects(run.manifest.subjects, by: recipe), by: recipe, weights: weights)
        guard let first = maps.first else {
          throw FigureError.inconsistentSheet("no subject to show: the runs have none")
        }
        quantities.append((run.manifest.method.figureTitle, MapQuantity(first).description))
        let report = try NeglectReport(run)
        scoreRecipes += [report.scoreRecipe].compactMap(\.self)
        var shown = try Run(
          run, report, maps: maps.map(\.map), recipe: recipe, weights: weights, curves: curves,
          steps: steps)
        shown.boxes = PictureBox.boxes(of: run, detections)
        shown.stepPictures = try pictured.map { try run.preview(ofStep: $0) }
        return shown
      }
      return Seed(seed: groups[0][index].manifest.seed, runs: runs)
    }
    let baseline = NeglectComparison.baseline(of: runs.map(\.manifest))
    let tokens = guided.subjects.indices.map { place in
      let all = Set(groups.map { Self.tokens($0[0].manifest.subjects[place]) })
      return all.count == 1 ? all.first ?? "" : ""
    }
    self.init(
      prompt: guided.tokens.prompt,
      subjects: zip(guided.subjects, tokens).map { Subject(name: $0.name, tokens: $1) },
      methods: groups.map {
        let method = $0[0].manifest.method
        return Method(title: method.figureTitle, isPlain: method.name == baseline)
      },
      seeds: seeds, steps: steps,
      alteredSteps: Scene.alteredSteps(of: groups.dropFirst().flatMap(\.self)),
      thresholds: guided.method.thresholds,
      recipe: MapQuantity.text(of: quantities), curves: curves,
      metadata: Scene.Metadata(
        of: guided, software: software, manifest: Self.provenance(runs, recipe)))
    picturedSteps = pictured
    if !pictured.isEmpty { notes.append("\(Self.previewNote(runs)).") }
    sharesNoise = !runs.contains { $0.manifest.isOfOtherPipeline(than: runs[0].manifest) }
    if charts.contains(.score) { notes.append("\(Self.scoreNote).") }
    if charts.contains(.score) || !missing.isEmpty { notes += ExcitationScores.notes(scoreRecipes) }
    notes += Scene.warnings(of: runs)
  }

  /// The steps whose predicted pictures are shown: those that are asked for, or four of those that every run
  /// kept.
  private static func picturedSteps(_ wanted: [Int], of runs: [RecordedRun]) throws -> [Int] {
    guard wanted.isEmpty else { return Set(wanted).sorted() }
    let common = runs.dropFirst().reduce(runs.first?.manifest.previewedSteps ?? []) { steps, run in
      let kept = Set(run.manifest.previewedSteps)
      return steps.filter(kept.contains)
    }
    guard !common.isEmpty else {
      // Says which run has none.
      _ = try runs.map { try $0.preview(ofStep: 0) }
      throw FigureError.inconsistentSheet("the runs kept no predicted picture of the same step")
    }
    return PreviewRecord.spread(common)
  }

  /// What a predicted picture is, for readers of a figure.
  private static func previewNote(_ runs: [RecordedRun]) -> String {
    let areTiny = runs.contains { $0.manifest.request.previews?.files != nil }
    return "Pictures with a step: the clean latent that the step predicts, decoded"
      + (areTiny ? " by a tiny autoencoder" : "")
  }

  /// What an excitation score is, for readers of a figure.
  static let scoreNote =
    "Excitation score: the largest value of a word’s map as the loss reads it (softmax of 100 × the "
    + "mean probability over the prompt’s tokens, smoothed), in the pass that predicts the noise"

  /// Whether a sheet can compare `runs`: of each seed one of every method, and of two methods at least.
  static func shows(_ runs: [RecordedRun]) -> Bool { (try? grouped(runs)) != nil }

  /// The runs by method, the one without guidance first; those of a seed at the same index.
  private static func grouped(_ runs: [RecordedRun]) throws -> [[RecordedRun]] {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    let methods = NeglectComparison.methods(of: runs.map(\.manifest))
    for run in runs.dropFirst() { try first.requireComparable(with: run) }
    let groups = methods.map { method in
      runs.filter { $0.manifest.method.name == method }
        .sorted { $0.manifest.seed < $1.manifest.seed }
    }
    for run in runs {
      let seed = run.manifest.seed
      guard groups.allSatisfy({ $0.count(where: { $0.manifest.seed == seed }) == 1 }) else {
        throw AnalysisError.notComparable(
          first: run.folder.path, second: "the other runs",
          what: "seed \(seed) needs one run of each method (\(methods.joined(separator: ", ")))")
      }
    }
    return groups
  }

  /// Which tokens a subject is.
  static func tokens(_ subject: PromptText.Subject) -> String {
    let list = subject.tokens.map(String.init).joined(separator: ", ")
    return subject.tokens.count == 1 ? "token \(list)" : "tokens \(list)"
  }

  /// The quantity of a map of one call.
  static func quantity(_ map: SubjectMap) -> String {
    MapQuantity(map.recipe, layers: map.layers, grid: map.grid, calls: nil).description
  }

  /// What the sheet was made of: seeds, methods and the recipe.
  private static func provenance(_ runs: [RecordedRun], _ recipe: Recipe) -> OrderedJSON {
    [
      "layout": "compare", "methods": .texts(Set(runs.map(\.manifest.method.name)).sorted()),
      "recipe": .text(
        runs.map { recipe.resolved(for: $0).description }.uniqued.joined(separator: "; ")),
      "seeds": .integers(Set(runs.map(\.manifest.seed)).sorted()),
    ]
  }
}

extension CompareSheet.Run {
  /// A run's picture, verdicts and curves, with maps already made of it.
  fileprivate init(
    _ run: RecordedRun, _ report: NeglectReport, maps: [AttentionMap], recipe: Recipe,
    weights: [String: HeadWeights], curves: CompareCurves, steps: Int
  ) throws {
    let values =
      curves == .without
      ? [:] : try RunCurves(run, by: recipe, weights: weights).values(upTo: steps)
    self.init(
      image: try run.shownPicture(), maps: maps,
      verdicts: report.subjects.map(\.verdict),
      curves: values.filter { $0.key == .peak || $0.key == .score }, tries: run.refinementTries,
      movedSteps: run.movedSteps)
  }
}
