public import AttentionTrace
package import PromptText

extension RunManifest {
  /// The reason why two runs of a prompt cannot be compared, as in "their prompts differ"; `nil` if they
  /// differ in their method and seed at most, and in one knob if a sweep varied it.
  ///
  /// Runs of two pipelines, at least one of which another program recorded, are compared by word: they have
  /// the prompt and the names of their subjects in common, and may differ in all else.
  public func incomparability(with other: RunManifest, knob: String? = nil) -> String? {
    if tokens.prompt != other.tokens.prompt { return "their prompts differ" }
    if subjects.map(\.name) != other.subjects.map(\.name) { return "their subjects differ" }
    if isOfOtherPipeline(than: other) { return nil }
    if subjects != other.subjects { return "their subjects' tokens differ" }
    if rng != other.rng { return "their random sources differ" }
    if timesteps != other.timesteps { return "their timesteps differ" }
    // Runs of earlier versions name fewer settings; those are the ones that were in force.
    if scheduler.contains(where: { other.scheduler[$0.key, default: $0.value] != $0.value }) {
      return "their schedulers differ"
    }
    if guidanceScale != other.guidanceScale || guidance != other.guidance,
      knob != "guidance-scale"
    {
      return "their guidance scales differ"
    }
    if (request.guidanceRescale ?? 0) != (other.request.guidanceRescale ?? 0) {
      return "their guidance rescales differ"
    }
    if negativePrompt != other.negativePrompt { return "their negative prompts differ" }
    if picture != other.picture { return "their start pictures differ" }
    if height != other.height || width != other.width || frames != other.frames {
      return "their sizes differ"
    }
    if !model.isSame(as: other.model) { return "their checkpoints differ" }
    guard let knob else {
      let isSame = method == other.method && settings == other.settings
      return method.name != other.method.name || isSame ? nil : "their settings differ"
    }
    guard method.family == other.method.family else { return nil }
    let turned = [knob] + (Self.followers[knob] ?? [])
    func others(_ run: RunManifest) -> [String: String] {
      run.settings.filter { !turned.contains($0.key) }
    }
    let isSame = others(self) == others(other)
    return isSame ? nil : "their settings differ"
  }

  /// Whether two runs are of two pipelines with a model each, at least one of which another program
  /// recorded: their layers, grids, steps and tokens have nothing to do with each other.
  package func isOfOtherPipeline(than other: RunManifest) -> Bool {
    (provenance.recorder != nil || other.provenance.recorder != nil)
      && method.family != other.method.family && !model.isSame(as: other.model)
  }

  /// Knobs whose defaults another one decides.
  private static let followers = [
    "objective-form": ["scale-factor"], "source": ["edit"],
    "reweight-form": [
      "source", "edit", "cross-window", "self-window", "alignment-form", "self-pixels",
    ],
  ]
}

extension RunManifest.Model {
  /// Whether it is the same checkpoint, by its files' hashes, or by its repository and revision, or, where
  /// neither is known, by its name.
  package func isSame(as other: RunManifest.Model) -> Bool {
    if !files.isEmpty || !other.files.isEmpty { return files == other.files }
    if repository != nil || other.repository != nil {
      return (repository, revision) == (other.repository, other.revision)
    }
    return name == other.name
  }
}

extension RecordedRun {
  /// The words of another run of the same prompt, as this run's text has them: the tokens of a word differ
  /// between text encoders.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` for a token by its index where the texts
  ///   differ, and `TextError` for a word that this run's text does not have.
  package func subjects(
    like words: [Subject], of other: RecordedRun, by recipe: Recipe
  ) throws -> [Subject] {
    guard manifest.tokens != other.manifest.tokens else { return words }
    try refuseIndices(words, of: other)
    return try subjects(words.map { try WordReference($0.name) }, by: recipe)
  }

  /// Refuses a token by its index that is another one in the first of `runs` of the same prompt: in one
  /// table its name would mean both.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)``.
  func refuseIndices(_ words: [Subject], among runs: [RecordedRun]) throws(AnalysisError) {
    let prompt = manifest.tokens.prompt
    guard let first = runs.first(where: { $0.manifest.tokens.prompt == prompt }) else { return }
    try refuseIndices(words, of: first)
  }

  private func refuseIndices(_ words: [Subject], of other: RecordedRun) throws(AnalysisError) {
    guard manifest.tokens.tokens != other.manifest.tokens.tokens else { return }
    for word in words {
      guard case .index(let index)? = try? WordReference(word.name) else { continue }
      throw AnalysisError.notComparable(
        first: other.folder.path, second: folder.path,
        what: "token @\(index) is another one in each; name the word")
    }
  }

  /// Refuses a run that differs from this one in more than its method and seed, and the knob if one is
  /// named.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)``.
  package func requireComparable(with other: RecordedRun, knob: String? = nil) throws {
    if let what = manifest.incomparability(with: other.manifest, knob: knob) {
      throw AnalysisError.notComparable(
        first: folder.path, second: other.folder.path, what: what)
    }
  }
}

extension [RecordedRun] {
  /// Refuses runs whose rows in a table would have the same names, or be put together as seeds of one
  /// method: those of one method by two checkpoints, and two of one prompt, method and seed.
  /// - Parameter prompt: what tells a run's prompt from others.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)``.
  package func requireApart(
    by prompt: (RecordedRun) -> String = { $0.manifest.tokens.prompt }
  ) throws {
    var first: [String: RecordedRun] = [:]
    var places: [[String]: RecordedRun] = [:]
    for run in self {
      let manifest = run.manifest
      let (method, seed) = (manifest.method.name, "\(manifest.seed)")
      if let other = first[method], !manifest.model.isSame(as: other.manifest.model) {
        throw AnalysisError.notComparable(
          first: other.folder.path, second: run.folder.path,
          what: "both are \(method), and their checkpoints differ; measure each by itself")
      }
      first[method] = first[method] ?? run
      if let other = places.updateValue(run, forKey: [prompt(run), method, seed]) {
        throw AnalysisError.notComparable(
          first: other.folder.path, second: run.folder.path,
          what: "both are seed \(seed) of \(method); give one of them")
      }
    }
  }
}
