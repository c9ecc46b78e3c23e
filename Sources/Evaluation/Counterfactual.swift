public import AttentionTrace
public import Diffusion

/// A run repeated from its own request with some tokens or heads removed from its attention.
public struct Counterfactual: Sendable {
  /// The original run.
  public let original: RecordedRun
  /// The run to be made.
  public let planned: PlannedRun

  /// Plans the run again with an ablation.
  ///
  /// - Parameters:
  ///   - original: a complete run.
  ///   - ablation: what is taken out.
  ///   - model: the run's own checkpoint; `Checkpoint(of:)` finds it.
  ///   - picture: where the start picture of the run is; `nil` for where the run found it.
  /// - Throws: ``EvaluationError`` when the run is not complete, or would not be the same without the
  ///   ablation; `DiffusionError` when its picture has moved.
  public init(
    of original: RecordedRun, without ablation: AblationRecord, on model: StableDiffusion,
    picture: String? = nil
  ) throws {
    let path = original.folder.path
    var manifest = original.manifest
    try Self.requireRepeatable(original)
    var request = try RunRequest(manifest.request)
    // Predicted pictures change nothing of a run.
    (manifest.request.previews, request.previews) = (nil, nil)
    request.picture?.path = picture ?? manifest.provenance.picture?.path
    var again = try model.plan(request).manifest(manifest.provenance)
    if let difference = Checkpoint.difference(manifest.model.files, again.model.files) {
      throw EvaluationError.otherCheckpoint(
        run: path, model: manifest.model.name, difference: difference)
    }
    // Of the same contents, whatever the files are called now.
    again.model = manifest.model
    if let difference = try manifest.difference(from: again) {
      throw EvaluationError.notRepeatable(
        run: path,
        reason: "its \(difference.field) is \(difference.here), not \(difference.wanted)")
    }
    request.ablation = AblationRecord(
      drop: (request.ablation?.drop ?? []) + ablation.drop,
      damp: (request.ablation?.damp ?? []) + ablation.damp)
    self.original = original
    planned = try model.plan(request)
  }

  /// Refuses a run that is not complete, or that an earlier version of Heed or another program made.
  /// - Throws: ``EvaluationError/incomplete(run:)``, ``EvaluationError/notRepeatable(run:reason:)`` or
  ///   `TraceError.oldFormat`.
  package static func requireRepeatable(_ run: RecordedRun) throws {
    guard run.manifest.format == RunManifest.currentFormat else {
      throw TraceError.oldFormat(path: run.folder.path, format: run.manifest.format)
    }
    if let recorder = run.manifest.provenance.recorder {
      throw EvaluationError.notRepeatable(
        run: run.folder.path,
        reason: "its pipeline is another program's, of which \(recorder.name) recorded it")
    }
    guard run.manifest.status == .complete else {
      throw EvaluationError.incomplete(run: run.folder.path)
    }
  }

  /// Makes the run below `root`, and compares the two.
  /// - Throws: as ``Runner/run(_:in:onStep:)``; ``EvaluationError/pictureSizes(first:second:)``.
  public func run(
    by runner: Runner, in root: String, onEvent: (Runner.Event) throws -> Void = { _ in }
  ) throws -> CounterfactualEffect {
    try CounterfactualEffect(
      original, runner.run(planned, in: root, onEvent: onEvent),
      ablation: planned.request.ablation?.text ?? "")
  }
}
