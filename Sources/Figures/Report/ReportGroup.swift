import AttentionAnalysis
import AttentionTrace
internal import Drawing
import PromptText

/// Runs of one prompt in a report, whose maps have the same words and steps, so that any two of them can
/// stand beside each other.
struct ReportGroup {
  /// What all runs of a group have in common.
  struct Kind: Hashable {
    private let text: TokenTable
    /// The negative prompt, where maps of its branch are shown.
    private let negative: TokenTable?
    private let subjects: [Subject]
    private let timesteps: [Double]
    private let size: [Int?]
    private let checkpoint: [String: String]
    /// Of a run that another program recorded, whose layers, cells and heads depend on how.
    private let sites: [RecordedSite]?

    init(_ run: RecordedRun) {
      let manifest = run.manifest
      (text, subjects, timesteps) = (manifest.tokens, manifest.subjects, manifest.timesteps)
      negative =
        manifest.plan?.branches.contains(.unconditional) ?? false
        ? manifest.tokens(of: .unconditional) : nil
      size = [manifest.height, manifest.width, manifest.frames]
      let model = manifest.model
      checkpoint =
        model.files.isEmpty
        ? [model.repository ?? model.name: model.revision ?? ""] : model.files
      sites = manifest.provenance.recorder.map { _ in run.sites }
    }
  }

  /// By seed, then by method, the plain one first.
  let recordings: [ReportRecording]
  /// What each run is called: its method, the settings in which runs of the group differ, its seed.
  let names: [String]

  /// The method that the others are compared with.
  var baseline: String { NeglectComparison.baseline(of: recordings.map(\.run.manifest)) }

  /// The manifest of the first run, which says what all have in common.
  var manifest: RunManifest { recordings[0].run.manifest }
  var prompt: String { manifest.tokens.prompt }

  init(_ recordings: [ReportRecording]) {
    self.recordings = recordings.sorted { Self.order($0) < Self.order($1) }
    names = Self.names(self.recordings.map(\.run.manifest))
  }

  /// What is the same in all runs, in a line: checkpoint, size, steps, guidance.
  var facts: String {
    let all = recordings.map(\.run.manifest)
    func common<Value: Equatable>(_ key: KeyPath<RunManifest, Value>) -> Value? {
      all.allSatisfy { $0[keyPath: key] == manifest[keyPath: key] } ? manifest[keyPath: key] : nil
    }
    let negative = common(\.negativePrompt).flatMap { $0.isEmpty ? nil : $0 }
    return [
      "\(manifest.model.name), \(manifest.width)×\(manifest.height) pixels",
      "\(manifest.timesteps.count) steps",
      guidance.map { "guidance \($0)" },
      negative.map { "negative prompt “\($0)”" },
    ].compactMap(\.self).joined(separator: "; ")
  }

  /// The scale of guidance, the same in all runs; `nil` where there is none.
  private var guidance: String? {
    let all = Set(recordings.map(\.run.manifest).map(Self.guidance))
    return all.count == 1 ? all.first ?? nil : nil
  }

  private static func guidance(_ manifest: RunManifest) -> String? {
    guard let guidance = manifest.guidance else {
      return NumberText.plain(manifest.guidanceScale)
    }
    return switch guidance.kind {
    case .none: nil
    case .distilled: guidance.scale.map { "\(NumberText.plain($0)) (distilled)" } ?? "distilled"
    case .classifierFree: NumberText.plain(guidance.scale ?? manifest.guidanceScale)
    }
  }

  // MARK: - Names

  private static func order(_ recording: ReportRecording) -> (UInt64, Int, String, String) {
    let manifest = recording.run.manifest
    return (
      manifest.seed, manifest.method.alteredSteps == 0 ? 0 : 1,
      manifest.method.name + "\n" + settings(manifest).map { "\($0.name) \($0.value)" }.joined(),
      manifest.date
    )
  }

  private typealias Setting = (name: String, value: String)

  /// All that may differ within a group besides method and seed.
  private static func settings(_ manifest: RunManifest) -> [Setting] {
    let knobs = manifest.settings.sorted { $0.key < $1.key }.map { knob, value in
      (knob.replacing("-", with: " "), RunManifest.short(value))
    }
    let scheduler = manifest.scheduler.sorted { $0.key < $1.key }
      .map { $0.key == "name" ? $0.value : "\($0.key) \($0.value)" }
    return knobs + [
      ("guidance", guidance(manifest) ?? "none"),
      ("scheduler", scheduler.joined(separator: ", ")), ("noise", manifest.rng),
      ("negative prompt", manifest.negativePrompt.isEmpty ? "none" : manifest.negativePrompt),
      ("start picture", manifest.picture.map { String($0.sha256.prefix(8)) } ?? "none"),
      ("strength", manifest.picture?.strength.map(NumberText.plain) ?? "none"),
    ]
  }

  private static func names(_ manifests: [RunManifest]) -> [String] {
    let all = manifests.map(settings)
    let general = Set([
      "guidance", "scheduler", "noise", "negative prompt", "start picture", "strength",
    ])
    let names = manifests.indices.map { index -> String in
      let manifest = manifests[index]
      // Knobs of another method are other knobs: its name says so.
      let differing = all[index].filter { setting in
        manifests.indices.contains { other in
          (general.contains(setting.name) || manifests[other].method.name == manifest.method.name)
            && all[other].first { $0.name == setting.name }?.value != setting.value
        }
      }
      let title = manifest.method.figureTitle
      let list = differing.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
      return title + (list.isEmpty ? "" : " (\(list))") + ", seed \(manifest.seed)"
    }
    return names.indices.map { index in
      let alike = names.indices.filter { names[$0] == names[index] }
      guard alike.count > 1, let place = alike.firstIndex(of: index) else { return names[index] }
      return "\(names[index]) (\(place + 1) of \(alike.count) alike)"
    }
  }
}
