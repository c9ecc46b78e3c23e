public import AttentionAnalysis
public import AttentionTrace
internal import Pictures
internal import PromptText

extension CompareSheet {
  /// A sheet of recorded runs, without a model: for each seed a plain run and an excited one.
  ///
  /// - Parameters:
  ///   - runs: of one prompt, in any order; `stable-diffusion` is the plain method.
  ///   - recipe: how maps are made; `nil` for the mean over all steps at the objective's grid.
  ///   - software: what draws the sheet, with the version.
  /// - Throws: `AnalysisError` when the runs do not pair up or lack what the recipe asks for,
  ///   `TraceError` and ``FigureError`` when a file is damaged.
  public init(runs: [RecordedRun], recipe: Recipe? = nil, software: String) throws {
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
    plainName = Self.title(plain[0].manifest.method.name)
    excitedName = Self.title(first.method.name)
  }

  private static let plainMethod = NeglectComparison.plainMethod

  /// The runs by seed, plain and excited at the same place.
  private static func paired(
    _ runs: [RecordedRun]
  ) throws -> (plain: [RecordedRun], excited: [RecordedRun]) {
    let sorted = runs.sorted { $0.manifest.seed < $1.manifest.seed }
    let plain = sorted.filter { $0.manifest.method.name == plainMethod }
    let excited = sorted.filter { $0.manifest.method.name != plainMethod }
    guard let model = excited.first else {
      throw AnalysisError.nothingSelected(
        run: runs.first?.folder.path ?? "no run", what: "a run with excitation",
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
          what: "seed \(run.manifest.seed) needs one run without excitation and one with")
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

  static func title(_ method: String) -> String {
    switch method {
    case plainMethod: "Stable Diffusion"
    case "attend-and-excite": "Attend-and-Excite"
    case "composable": "Composable Diffusion"
    case "structure": "StructureDiffusion"
    case "prompt-to-prompt": "Prompt-to-Prompt"
    case "syngen": "SynGen"
    case "ebama": "EBAMA"
    case "divide-and-bind": "Divide & Bind"
    case "conform": "CONFORM"
    case "a-star": "A-STAR"
    case "box-diff": "BoxDiff"
    case "predicated-diffusion": "Predicated Diffusion"
    case "initno": "InitNO"
    case "overlap-iou": "Overlap: soft IoU"
    case "overlap-centres": "Overlap: centres of mass"
    case "overlap-kl": "Overlap: KL divergence"
    case "overlap-compactness": "Overlap: compactness"
    default:
      // A method with something taken out or a knob turned: that, after the method's title.
      if let plus = method.firstIndex(of: "+") {
        title(String(method[..<plus])) + ", " + method[method.index(after: plus)...]
      } else {
        method
      }
    }
  }

  /// What the sheet was made of: seeds, methods and the recipe.
  private static func provenance(_ runs: [RecordedRun], _ recipe: Recipe) -> String {
    let seeds = Set(runs.map(\.manifest.seed)).sorted().map(String.init).joined(separator: ", ")
    let methods = Set(runs.map(\.manifest.method.name)).sorted().joined(separator: "\", \"")
    return "{\"layout\": \"compare\", \"methods\": [\"\(methods)\"], "
      + "\"recipe\": \(Scene.json(recipe.description)), \"seeds\": [\(seeds)]}"
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
        recorded: "calls.jsonl with another number of them")
    }
    self.init(
      image: try Picture.read(run.folder.image),
      maps: maps.map { HeatMap($0.map) },
      loss: measured.map(\.loss),
      attention: maps.indices.map { subject in measured.map { $0.maxima[subject] } },
      refinementTries: run.refinementTries,
      refinementLosses: Dictionary(
        grouping: run.calls.filter { $0.phase == .refinement }, by: \.step
      ).mapValues { $0.compactMap { $0.measurement?.loss } })
  }
}
