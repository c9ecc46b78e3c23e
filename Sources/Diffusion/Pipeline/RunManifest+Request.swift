public import AttentionTrace
internal import TensorEngine

extension StableDiffusion {
  /// The manifest of a run that is about to begin.
  ///
  /// - Parameters:
  ///   - plan: what is recorded; `nil` for nothing.
  ///   - hashes: the checkpoint's, from ``Checkpoint/hashes()``.
  ///   - version: Heed's.
  ///   - commandLine: the command as it was given.
  ///   - date: ISO 8601 in UTC.
  /// - Throws: ``DiffusionError`` when the request cannot be run.
  public func manifest(
    _ request: GenerationRequest, plan: RecordingPlan?, hashes: [String: String],
    version: String, commandLine: [String], date: String
  ) throws -> RunManifest {
    let size = size(request)
    return RunManifest(
      status: .running, tokens: tokenizer.encode(request.prompt), subjects: request.subjects,
      seed: request.seed, rng: request.rng.rawValue, height: size.height, width: size.width,
      steps: request.steps, timesteps: try timesteps(request), guidanceScale: request.guidanceScale,
      negativePrompt: request.negativePrompt, scheduler: try schedulerSettings(request),
      picture: picture(request), method: try method(request),
      model: .init(name: checkpoint.name, files: hashes), plan: plan,
      version: version, commandLine: commandLine, date: date, seconds: nil)
  }

  private func picture(_ request: GenerationRequest) -> RunManifest.Picture? {
    request.picture.map { picture in
      var strength: Double? = request.strength
      if case .explain = request.method { strength = nil }
      return RunManifest.Picture(
        sha256: picture.sha256, height: picture.photo.height, width: picture.photo.width,
        fit: picture.fit.rawValue, strength: strength)
    }
  }

  private func method(_ request: GenerationRequest) throws -> RunManifest.Method {
    let grid = try grid(request)
    var settings = [
      "attention-resolution": grid.description,
      "normalize-eot": String(stopsAtEnd(request)), "pieces": request.pieces.rawValue,
    ]
    var altered = 0
    var thresholds: [Int: Double] = [:]
    if case .attendAndExcite(let knobs) = request.method {
      altered = knobs.maxIterations
      thresholds = knobs.thresholds
      settings.merge([
        "max-iter-to-alter": String(knobs.maxIterations),
        "thresholds": knobs.thresholds.sorted { $0.key < $1.key }
          .map { "\($0.key)=\($0.value)" }.joined(separator: ","),
        "scale-factor": String(knobs.scaleFactor),
        "scale-range": knobs.scaleRange.map { String($0) }.joined(separator: ","),
        "smooth": String(knobs.smooths), "sigma": String(knobs.sigma),
        "kernel-size": String(knobs.kernelSize),
        "max-refinement-steps": String(knobs.maxRefinementSteps),
      ]) { $1 }
    }
    return RunManifest.Method(
      name: request.method.name, settings: settings, alteredSteps: altered,
      thresholds: thresholds, grid: grid)
  }

  /// Every pass that a run of `request` may make, refinement tries included.
  /// - Throws: ``DiffusionError`` when the request cannot be run.
  public func possiblePasses(_ request: GenerationRequest) throws -> [AttentionPass] {
    let branches: [Branch] =
      request.guidanceScale > 1 ? [.unconditional, .conditional] : [.conditional]
    return try timesteps(request).enumerated().flatMap { step, time in
      var passes: [AttentionPass] = []
      func add(_ phase: Phase, _ attempt: Int, _ branches: [Branch]) {
        passes.append(
          AttentionPass(
            step: step, timestep: time, phase: phase, attempt: attempt, branches: branches))
      }
      if case .attendAndExcite(let knobs) = request.method {
        let refines = knobs.thresholds[step] != nil && knobs.maxRefinementSteps > 0
        if refines || step < knobs.maxIterations || knobs.looksAlways {
          add(.loss, 0, [.conditional])
        }
        if refines {
          for attempt in stride(from: 2, through: knobs.maxRefinementSteps, by: 1) {
            add(.refinement, attempt, [.conditional])
          }
          add(.loss, knobs.maxRefinementSteps, [.conditional])
        }
      }
      add(.denoise, 0, branches)
      return passes
    }
  }
}
