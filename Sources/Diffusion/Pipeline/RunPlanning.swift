internal import AttentionTrace
internal import PromptText
internal import TensorEngine

extension StableDiffusion {
  /// Resolves a request: sizes, grids, words, sites, times, passes, memory and disk.
  ///
  /// - Throws: ``DiffusionError``, `TextError`, `TraceError` or `FileError` when the request cannot be
  ///   run, in one line that says why.
  public func plan(_ request: RunRequest) throws -> PlannedRun { try plan(request, windows: 1) }

  /// The same, with texts of at least `windows` windows of the text encoder.
  func plan(_ request: RunRequest, windows: Int) throws -> PlannedRun {
    var run = try outline(request, windows: windows)
    try run.request.method.requireReadable()
    run.subjects = try subjects(of: run)
    run.request.subjects = run.subjects.map(\.name)
    let needsSubjects = run.request.method.needsSubjects
    run.request.method = try run.request.method.resolved(for: run)
    if needsSubjects, run.subjects.isEmpty {
      throw DiffusionError.invalidRequest(
        what: "the list of subjects", got: "empty",
        expected: "at least one for \(run.request.method.name)")
    }
    run.texts += try run.request.method.texts(for: run)
    try requireShortWords(run.texts)
    run.parts = try parts(of: run)
    run.passes = run.possiblePasses
    run.request.previews = try run.request.previews?.resolved(
      for: checkpoint, iterations: run.timesteps.count)
    run.workingMemory = workingMemory(run)
    if let recording = run.request.recording {
      try recording.validate(sites: run.sites, iterations: run.timesteps.count)
      run.cost = recording.cost(sites: run.sites, passes: run.passes)
      if let previews = run.request.previews {
        let count = (previews.steps?.count ?? run.timesteps.count) + 1
        let kept = RunManifest.previewSize(width: run.size.width, height: run.size.height)
        // A PNG of what cannot be compressed: rows, each with the number of its filter, in whole blocks.
        let most = kept.height * (3 * kept.width + 1) + 8192
        run.cost = run.cost?.adding(bytes: count * most, files: count)
      }
    }
    return run
  }

  /// Refuses a word that is longer than a run's record may have it: the run could not be read.
  private func requireShortWords(_ texts: [EncodedText]) throws {
    let most = FileLimit.nameBytes
    let words = texts.flatMap { $0.table.words.map(\.text) }
    guard let word = words.first(where: { $0.utf8.count > most }) else { return }
    throw DiffusionError.invalidRequest(
      what: "a word of the prompt", got: "\(word.prefix(20))… of \(word.utf8.count) bytes",
      expected: "at most \(most) bytes" + FileLimit.prompt.advice)
  }

  /// What of a request does not depend on its method.
  private func outline(_ request: RunRequest, windows: Int) throws -> PlannedRun {
    guard request.guidanceScale.isFinite else {
      throw DiffusionError.invalidRequest(
        what: "the guidance scale", got: String(request.guidanceScale), expected: "a number")
    }
    for (what, share) in [
      ("eta", request.eta), ("the guidance rescale", request.guidanceRescale),
    ] {
      guard let share, !(0...1).contains(share) else { continue }
      throw DiffusionError.invalidRequest(what: what, got: String(share), expected: "0 to 1")
    }
    try request.requireSeeds([request.seed])
    var request = request
    let size = request.size ?? trainedSize
    let sides = try size.latentGrid(factor: checkpoint.vaeConfiguration.factor)
    let latent = Grid(rows: sides.rows, columns: sides.columns)
    let grid = request.grid ?? measuredGrid(size, latent)
    let stopsAtEnd = request.stopsAtEnd ?? self.stopsAtEnd
    let skipped = 0...checkpoint.mostClipSkip
    try DiffusionError.require(
      skipped.contains(request.clipSkip ?? 0),
      "the number of layers that CLIP skips", String(request.clipSkip ?? 0),
      "\(skipped.lowerBound) to \(skipped.upperBound), which the text encoder can do without")
    try requireSizes(request)
    if checkpoint.isXL {
      (request.originalSize, request.crop) = (
        request.originalSize ?? size, request.crop ?? CropCorner.none
      )
    }
    let texts = try encoded(request, windows: windows)
    let prompt = texts[0].table
    let explained = request.method as? PictureExplanation
    if explained == nil { request.scheduler = try schedulerKind(request).rawValue }
    (request.size, request.grid, request.stopsAtEnd) = (size, grid, stopsAtEnd)
    if var recording = request.recording {
      recording.layers = recording.layers.map {
        $0 == RecordingPlan.measuredGrid ? grid.description : $0
      }
      request.recording = recording
    }
    var settings =
      try explained == nil
      ? schedulerConfiguration(request).settings : checkpoint.schedule.settings
    settings["name"] = request.scheduler ?? "none"
    if let eta = request.eta, eta > 0 { settings["eta"] = String(eta) }
    return PlannedRun(
      model: self, request: request, prompt: prompt, texts: texts, size: size, latentGrid: latent,
      grid: grid, lastToken: stopsAtEnd ? prompt.end : prompt.tokens.count - 1,
      sites: unet.sites(rows: latent.rows, columns: latent.columns, tokens: prompt.tokens.count),
      timesteps: try explained.map { try checkpoint.validTimes($0.times).map(Double.init) }
        ?? makeScheduler(request).timesteps,
      scheduler: settings, picture: try request.picture?.read())
  }

  /// Refuses what only SDXL has of another checkpoint, and sizes that no picture has.
  private func requireSizes(_ request: RunRequest) throws {
    let asked = [
      ("the second prompt", request.secondPrompt),
      ("the second negative prompt", request.secondNegativePrompt),
      ("the original size", request.originalSize?.description),
      ("the crop", request.crop?.description),
    ]
    for case (let what, let got?) in asked where !checkpoint.isXL {
      throw DiffusionError.invalidRequest(
        what: what, got: got, expected: "none, since \(checkpoint.name) is not Stable Diffusion XL")
    }
    guard let original = request.originalSize else { return }
    try DiffusionError.require(
      ImageSize.sides.contains(original.width) && ImageSize.sides.contains(original.height),
      "the original size", original.description,
      "width x height, \(ImageSize.sides.lowerBound) to \(ImageSize.sides.upperBound) each")
  }

  /// Whether an iteration of a run runs a branch without the prompt too.
  ///
  /// Not where the UNet is told the weight of guidance, and predicts what is guided already.
  func isGuided(_ request: RunRequest) -> Bool {
    request.method.isAlwaysGuided || (request.guidanceScale > 1 && !unet.embedsGuidance)
  }

  /// The prompt, and with guidance the negative prompt, in as many windows each as the longest text whose
  /// attention has the same keys.
  private func encoded(_ request: RunRequest, windows: Int) throws -> [EncodedText] {
    var texts = [(EncodedText.Role.prompt, request.prompt)]
    if isGuided(request) { texts.append((.negative, request.negativePrompt)) }
    let source = (request.method as? PromptToPrompt)?.source
    let second = isGuided(request) ? request.secondNegativePrompt : nil
    let others = [request.secondPrompt, second].compactMap(\.self)
    let all = texts.map(\.1) + others + [source].compactMap(\.self)
    if request.reading.syntax == .webui {
      for text in all { try WebUIMarks.requireReadable(text) }
    }
    let longest =
      all.map {
        tokenizer.encode($0, as: request.reading).tokens.count / tokenizer.window
      }.max() ?? 1
    let read = texts.map { role, text in
      EncodedText(
        role, tokenizer.encode(text, as: request.reading, windows: max(windows, longest)))
    }
    // The prompt as the second text encoder reads it stands on the same keys.
    let apart = [(0, request.secondPrompt), (1, second)].compactMap { place, text in
      text.flatMap {
        encoders.second(of: $0, like: read[place].table, as: request.reading).map {
          EncodedText(read[place].role, $0, encoder: CheckpointPart.secondTextEncoder.folder)
        }
      }
    }
    return read + apart
  }

  /// The grid whose attention is measured where a request does not say.
  ///
  /// A grid in the checkpoint's `guidance.json` is that of the size it was trained at: at another
  /// size it is the grid of the same level of the UNet.
  private func measuredGrid(_ size: ImageSize, _ latent: Grid) -> Grid {
    guard let trained = checkpoint.guidance.grid else {
      return Grid(rows: (size.height + 31) / 32, columns: (size.width + 31) / 32)
    }
    let configuration = checkpoint.unetConfiguration
    let level = unet.grids(
      Grid(rows: configuration.sampleRows, columns: configuration.sampleColumns)
    ).firstIndex(of: trained)
    return level.map { unet.grids(latent)[$0] } ?? trained
  }

  /// Whether the renormalisation stops before the end token where a request does not say.
  ///
  /// Attend-and-Excite does so with SD 2.x, whose text encoder gives the end token so much attention
  /// that no other token could approach 1. OpenCLIP's encoders are told by their exact gelu.
  private var stopsAtEnd: Bool {
    checkpoint.guidance.stopsAtEnd ?? (checkpoint.textConfiguration.activation == .gelu)
  }

  /// The words that are named, else those that are found; an empty list names none.
  private func subjects(of run: PlannedRun) throws -> [Subject] {
    let method = run.request.method
    guard let names = run.request.subjects else {
      return try SubjectSelection.found(
        for: [method], in: run.prompt, areNeeded: method.needsSubjects)
    }
    return names.isEmpty ? [] : try SubjectSelection.subjects(named: names, in: run.prompt)
  }

  /// What the method adds, the intervention, and what is measured.
  fileprivate func parts(of run: PlannedRun) throws -> MethodParts {
    var parts = try run.request.method.parts(for: run)
    if let ablation = run.request.ablation {
      let taken = try AttentionAblation(ablation, in: run)
      // An intervention in the prompt's pass does not change a picture that is made from other passes.
      try DiffusionError.require(
        parts.components?.allSatisfy { $0.embedding == nil } ?? true,
        "the method of an intervention", run.request.method.name,
        "one whose picture is made from the whole prompt's attention")
      parts.ablation = taken
    }
    parts.objective = parts.measured
    if parts.objective == nil, !run.subjects.isEmpty {
      let measure = AttendAndExcite.Loss(
        subjects: run.subjects, reading: run.reading(run.request.method.smoothing))
      _ = try measure.sites(among: run.sites)
      parts.objective = measure
    }
    return parts
  }
}

extension PlannedRun {
  /// The same run from another seed, which decides nothing but the noise.
  /// - Throws: ``DiffusionError`` for a seed that the random source does not take.
  public func seeded(_ seed: UInt64) throws -> PlannedRun {
    guard seed != request.seed else { return self }
    var run = self
    run.request.seed = seed
    try run.request.requireSeeds([seed])
    // A method's parts may hold noise of the seed's.
    run.parts = try model.parts(of: run)
    return run
  }

  /// Every pass that the run may make, in the order of its iterations.
  fileprivate var possiblePasses: [AttentionPass] {
    let method = request.method
    let branches: [Branch] = isGuided ? [.unconditional, .conditional] : [.conditional]
    return timesteps.enumerated().flatMap { step, time in
      var looks = method.looks(at: step)
      if looks.isEmpty, recordsLosses, parts.guide != nil { looks = [MethodLook(.loss)] }
      return looks.map { look in
        AttentionPass(
          step: step, timestep: time, phase: look.phase, attempt: look.attempt,
          branches: [.conditional])
      } + [AttentionPass(step: step, timestep: time, phase: .denoise, branches: branches)]
    }
  }
}
