public import AttentionTrace
internal import PromptText

extension RunManifest {
  /// The reason why two runs of a prompt cannot be compared, as in "their prompts differ"; `nil` if they
  /// differ in their method and seed at most, and in one knob if a sweep varied it.
  public func incomparability(with other: RunManifest, knob: String? = nil) -> String? {
    if tokens.prompt != other.tokens.prompt { return "their prompts differ" }
    if subjects != other.subjects { return "their subjects differ" }
    if rng != other.rng { return "their random sources differ" }
    if timesteps != other.timesteps { return "their timesteps differ" }
    // Runs of earlier versions name fewer settings; those are the ones that were in force.
    if scheduler.contains(where: { other.scheduler[$0.key, default: $0.value] != $0.value }) {
      return "their schedulers differ"
    }
    if guidanceScale != other.guidanceScale, knob != "guidance-scale" {
      return "their guidance scales differ"
    }
    if (request.guidanceRescale ?? 0) != (other.request.guidanceRescale ?? 0) {
      return "their guidance rescales differ"
    }
    if negativePrompt != other.negativePrompt { return "their negative prompts differ" }
    if picture != other.picture { return "their start pictures differ" }
    if height != other.height || width != other.width { return "their sizes differ" }
    if model.files != other.model.files { return "their checkpoints differ" }
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

  /// Knobs whose defaults another one decides.
  private static let followers = [
    "objective-form": ["scale-factor"], "source": ["edit"],
    "reweight-form": [
      "source", "edit", "cross-window", "self-window", "alignment-form", "self-pixels",
    ],
  ]
}

extension RecordedRun {
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
