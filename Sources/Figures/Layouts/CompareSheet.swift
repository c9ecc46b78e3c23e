package import AttentionAnalysis
package import AttentionTrace
package import Pictures
internal import PromptText

/// Plain and guided runs of a prompt, seed by seed: pictures, maps on one shared scale, curves.
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

  /// One method's result for a seed.
  package struct Run: Sendable {
    /// The picture.
    package var image: Picture
    /// `[subject]` the aggregated maps.
    package var maps: [AttentionMap]
    /// `[step]` the loss; empty if it was not recorded, NaN at a step without one.
    package var loss: [Float]
    /// `[subject][step]` the largest attention on the subject, as the loss sees it; empty if it
    /// was not recorded.
    package var attention: [[Float]]
    /// Tries of iterative refinement, by step.
    package var refinementTries: [Int: Int]
    /// The loss after each try, by step; may be empty.
    package var refinementLosses: [Int: [Float]]

    package init(
      image: Picture, maps: [AttentionMap], loss: [Float], attention: [[Float]],
      refinementTries: [Int: Int] = [:], refinementLosses: [Int: [Float]] = [:]
    ) {
      self.image = image
      self.maps = maps
      self.loss = loss
      self.attention = attention
      self.refinementTries = refinementTries
      self.refinementLosses = refinementLosses
    }
  }

  /// Runs of both methods from the same initial noise.
  package struct Seed: Sendable {
    /// The seed of the noise.
    package var seed: UInt64
    /// The run of plain Stable Diffusion.
    package var plain: Run
    /// The run of a guided method.
    package var excited: Run

    /// Pairs two results of a seed.
    package init(seed: UInt64, plain: Run, excited: Run) {
      self.seed = seed
      self.plain = plain
      self.excited = excited
    }
  }

  /// The prompt.
  package var prompt: String
  /// The words shown, in the order of the maps; one to four.
  package var subjects: [Subject]
  /// The seeds, in order; at least one.
  package var seeds: [Seed]
  /// Denoising steps.
  package var steps: Int
  /// Steps, from the first, in which the latent was altered.
  package var alteredSteps: Int
  /// Attention that every subject must reach, by step.
  package var thresholds: [Int: Double]
  /// What the maps' colours measure and in which unit, as in `mean attention probability, 16×16,
  /// 3 layers × 4 heads, 50 steps`.
  package var recipe: String
  /// What the largest attention in the curves is, as in `largest attention, smoothed`.
  package var curveLabel = "largest attention"
  /// How the curves' numbers were measured, as a sentence below the sheet; may be empty.
  package var curveNote = ""
  /// The title of the plain method.
  package var plainName = "Stable Diffusion"
  /// The title of the guided method.
  package var excitedName = "Attend-and-Excite"
  /// Date, software and provenance for the file.
  package var metadata: Scene.Metadata

  package init(
    prompt: String, subjects: [Subject], seeds: [Seed], steps: Int, alteredSteps: Int,
    thresholds: [Int: Double], recipe: String, metadata: Scene.Metadata
  ) {
    self.prompt = prompt
    self.subjects = subjects
    self.seeds = seeds
    self.steps = steps
    self.alteredSteps = alteredSteps
    self.thresholds = thresholds
    self.recipe = recipe
    self.metadata = metadata
  }

  /// All maps, seed by seed.
  var maps: [AttentionMap] { seeds.flatMap { $0.plain.maps + $0.excited.maps } }

  /// Refuses what cannot be drawn.
  func validate() throws {
    guard (1...Color.lines.count).contains(subjects.count) else {
      throw FigureError.inconsistentSheet(
        "\(subjects.count) subjects; 1 to \(Color.lines.count) can be shown")
    }
    guard !seeds.isEmpty else { throw FigureError.inconsistentSheet("no seed to show") }
    for seed in seeds {
      for (name, run) in [(plainName, seed.plain), (excitedName, seed.excited)] {
        let place = "\(name), seed \(seed.seed)"
        guard run.maps.count == subjects.count else {
          throw FigureError.inconsistentSheet(
            "\(place): \(run.maps.count) maps for \(subjects.count) subjects")
        }
        guard run.attention.isEmpty || run.attention.count == subjects.count else {
          throw FigureError.inconsistentSheet(
            "\(place): \(run.attention.count) attention curves for \(subjects.count) subjects")
        }
      }
    }
  }
}

extension CompareSheet {
  /// A sheet of recorded runs: for each seed a plain run and a guided one.
  ///
  /// - Parameters:
  ///   - runs: of one prompt, in any order; `stable-diffusion` is the plain method.
  ///   - recipe: how maps are made; `nil` for the mean over all steps at the objective's grid.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when the runs do not pair up or lack what the recipe asks for,
  ///   `TraceError` and ``FigureError`` when a file is damaged.
  package init(runs: [RecordedRun], recipe: Recipe? = nil, software: String) throws {
    let (plain, excited) = try Self.paired(runs)
    let first = excited[0].manifest
    let recipe = recipe ?? Recipe(layers: first.method.grid.description)
    var label = ""
    let seeds = try zip(plain, excited).map { plain, excited in
      let maps = try excited.maps(of: first.subjects, by: recipe)
      label = Self.label(maps[0])
      return Seed(
        seed: excited.manifest.seed, plain: try Run(plain, first.subjects, recipe),
        excited: try Run(excited, maps: maps))
    }
    self.init(
      prompt: first.tokens.prompt,
      subjects: first.subjects.map { Subject(name: $0.name, tokens: Self.tokens($0)) },
      seeds: seeds, steps: first.timesteps.count,
      alteredSteps: min(first.method.alteredSteps, first.timesteps.count),
      thresholds: first.method.thresholds, recipe: label,
      metadata: Scene.Metadata(
        of: first, software: software, manifest: Self.provenance(runs, recipe)))
    curveNote =
      "Curves: the largest value of a word’s map as the loss reads it (softmax of 100 × the mean "
      + "probability over the prompt’s tokens, smoothed), in the pass that predicts the noise."
    plainName = plain[0].manifest.method.figureTitle
    excitedName = first.method.figureTitle
  }

  private static let plainMethod = NeglectComparison.plainMethod

  /// The runs by seed, the plain and the guided one of a seed at the same index.
  private static func paired(
    _ runs: [RecordedRun]
  ) throws -> (plain: [RecordedRun], excited: [RecordedRun]) {
    let sorted = runs.sorted { $0.manifest.seed < $1.manifest.seed }
    let plain = sorted.filter { $0.manifest.method.name == plainMethod }
    let excited = sorted.filter { $0.manifest.method.name != plainMethod }
    guard let model = excited.first else {
      throw AnalysisError.nothingSelected(
        run: runs.first?.folder.path ?? "no run", what: "a run of a guided method",
        recorded: "only \(plainMethod)")
    }
    for run in sorted {
      try run.requireComparable(with: model)
      let partners = run.manifest.method.name == plainMethod ? excited : plain
      guard partners.count(where: { $0.manifest.seed == run.manifest.seed }) == 1,
        sorted.count(where: {
          $0.manifest.seed == run.manifest.seed
            && ($0.manifest.method.name == plainMethod) == (run.manifest.method.name == plainMethod)
        }) == 1
      else {
        throw AnalysisError.notComparable(
          first: run.folder.path, second: "the other runs",
          what: "seed \(run.manifest.seed) needs one plain run and one guided run")
      }
    }
    return (plain, excited)
  }

  /// Which tokens a subject is.
  static func tokens(_ subject: PromptText.Subject) -> String {
    let list = subject.tokens.map(String.init).joined(separator: ", ")
    return subject.tokens.count == 1 ? "token \(list)" : "tokens \(list)"
  }

  /// What the colours measure, in words and with the true numbers.
  private static func label(_ map: SubjectMap) -> String {
    quantity(map) + ", \(map.calls) " + (map.calls == 1 ? "step" : "steps")
  }

  /// The quantity of a map of one call.
  static func quantity(_ map: SubjectMap) -> String {
    let heads = Set(map.layers.map(\.heads)).sorted().map(String.init).joined(separator: "/")
    return "mean attention probability, \(map.grid.rows)×\(map.grid.columns), "
      + "\(map.layers.count) layers × \(heads) heads"
  }

  /// What the sheet was made of: seeds, methods and the recipe.
  private static func provenance(_ runs: [RecordedRun], _ recipe: Recipe) -> OrderedJSON {
    [
      "layout": "compare", "methods": .texts(Set(runs.map(\.manifest.method.name)).sorted()),
      "recipe": .text(recipe.description),
      "seeds": .integers(Set(runs.map(\.manifest.seed)).sorted()),
    ]
  }
}

extension CompareSheet.Run {
  fileprivate init(
    _ run: RecordedRun, _ subjects: [PromptText.Subject], _ recipe: Recipe
  ) throws {
    try self.init(run, maps: try run.maps(of: subjects, by: recipe))
  }

  /// A run's picture and curves, with maps already made of it.
  fileprivate init(_ run: RecordedRun, maps: [SubjectMap]) throws {
    let measured = run.noisePredictions.compactMap(\.measurement)
    guard measured.allSatisfy({ $0.maxima.count == maps.count }) else {
      throw AnalysisError.nothingSelected(
        run: run.folder.path, what: "the largest attention of \(maps.count) subjects",
        recorded: "calls.jsonl with a different number of subjects")
    }
    self.init(
      image: try Picture.read(run.folder.image),
      maps: maps.map(\.map),
      loss: measured.map(\.loss),
      attention: maps.indices.map { subject in measured.map { $0.maxima[subject] } },
      refinementTries: run.refinementTries,
      refinementLosses: Dictionary(
        grouping: run.calls.filter { $0.phase == .refinement }, by: \.step
      ).mapValues { $0.compactMap { $0.measurement?.loss } })
  }
}
