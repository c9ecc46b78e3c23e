public import AttentionTrace
internal import Pictures
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
      RunManifest.Picture(
        sha256: picture.sha256, height: picture.photo.height, width: picture.photo.width,
        fit: picture.fit.rawValue,
        strength: request.method.explainedTimes == nil ? request.strength : nil)
    }
  }

  private func method(_ request: GenerationRequest) throws -> RunManifest.Method {
    let (grid, method) = (try grid(request), request.method.base)
    let measured = [
      "attention-resolution": grid.description,
      "normalize-eot": String(stopsAtEnd(request)), "pieces": request.pieces.rawValue,
    ]
    return RunManifest.Method(
      name: method.name, settings: measured.merging(method.settings) { $1 },
      alteredSteps: method.alteredSteps, thresholds: method.thresholds, grid: grid,
      rowsSumToOne: method.rowsSumToOne ? nil : false)
  }

  /// Every pass that a run of `request` may make, refinement tries included.
  /// - Throws: ``DiffusionError`` when the request cannot be run.
  public func possiblePasses(_ request: GenerationRequest) throws -> [AttentionPass] {
    let method = request.method.base
    let guided = request.guidanceScale > 1 || method.isAlwaysGuided
    let branches: [Branch] = guided ? [.unconditional, .conditional] : [.conditional]
    return try timesteps(request).enumerated().flatMap { step, time in
      method.looks(at: step).map { look in
        AttentionPass(
          step: step, timestep: time, phase: look.phase, attempt: look.attempt,
          branches: [.conditional])
      } + [AttentionPass(step: step, timestep: time, phase: .denoise, branches: branches)]
    }
  }
}
