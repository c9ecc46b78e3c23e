public import AttentionTrace
internal import Pictures

extension PlannedRun {
  /// The manifest of the run that is about to begin.
  ///
  /// - Parameter provenance: when, where and by whom it is made.
  /// - Throws: `FileError` when the checkpoint's files cannot be hashed.
  public func manifest(_ provenance: RunProvenance) throws -> RunManifest {
    var provenance = provenance
    provenance.checkpoint = model.checkpoint.source
    provenance.loras = model.checkpoint.loraSources
    provenance.embeddings = model.checkpoint.embeddingSources
    provenance.picture = request.picture?.path.map { .init(path: Checkpoint.absolute($0)) }
    let (method, record) = (request.method, request.record)
    return RunManifest(
      status: .running, request: record, texts: texts, subjects: subjects, height: size.height,
      width: size.width, timesteps: timesteps, scheduler: scheduler,
      picture: picture.map {
        RunManifest.Picture(
          sha256: $0.sha256, height: $0.photo.height, width: $0.photo.width, fit: $0.fit.rawValue,
          strength: method is PictureExplanation ? nil : request.picture?.strength)
      },
      method: .init(
        name: methodName, title: method.title, alteredSteps: method.alteredSteps,
        thresholds: method.thresholds, grid: grid,
        rowsSumToOne: method.rowsSumToOne && request.ablation == nil ? nil : false),
      model: .init(name: model.checkpoint.name, files: try model.fileHashes()),
      provenance: provenance)
  }
}
