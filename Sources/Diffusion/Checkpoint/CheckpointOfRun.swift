public import AttentionTrace
private import Foundation

extension Checkpoint {
  /// The checkpoint that a run was made with, where the run found it, with its LoRAs and options.
  ///
  /// The files need not be those of the run any more; their hashes say so.
  /// - Parameters:
  ///   - run: the run's manifest.
  ///   - path: where the checkpoint is now; `nil` for where the run found it.
  ///   - loras: where its LoRAs are now, in the order in which the run added them; empty for where the
  ///     run found them.
  ///   - embeddings: where its embeddings are now, likewise.
  ///   - vae: where the autoencoder is now that took the place of the checkpoint's; `nil` for where the run
  ///     found it.
  ///   - unet: where the UNet is now that took the place of the checkpoint's, likewise.
  /// - Throws: ``DiffusionError/moved(what:sha256:path:)`` for a file that is no longer there.
  public init(
    of run: RunManifest, at path: String? = nil, loras: [String] = [], embeddings: [String] = [],
    vae: String? = nil, unet: String? = nil
  ) throws {
    let recorded = run.provenance.checkpoint
    var options = CheckpointOptions()
    options.variant = recorded?.options["variant"]
    func replacement(_ key: String, _ now: String?, _ title: String) throws -> String? {
      guard let found = recorded?.options[key] else { return nil }
      let place = now ?? found
      guard FileManager.default.fileExists(atPath: place) else {
        throw DiffusionError.moved(
          what: "the \(title) of the run",
          sha256: run.model.files.first { $0.key.hasPrefix(key + " ") }?.value ?? "unknown",
          path: place)
      }
      return place
    }
    options.vae = try replacement("vae", vae, "autoencoder")
    options.unet = try replacement("unet", unet, "UNet")
    options.configuration = recorded?.options["config"]
    options.weights = recorded?.options["weights"].flatMap(WeightPrecision.init)
    options.prediction = recorded?.options["prediction"].flatMap(Prediction.init)
    options.zeroTerminalSNR = recorded?.options["zero-snr"].flatMap(Bool.init)
    guard loras.isEmpty || loras.count == run.provenance.loras.count else {
      throw DiffusionError.invalidRequest(
        what: "the number of LoRAs", got: String(loras.count),
        expected: "\(run.provenance.loras.count), as many as the run has")
    }
    options.loras = try run.provenance.loras.enumerated().map { index, source in
      let place = loras.isEmpty ? source.path : loras[index]
      let scale = source.options["scale"].flatMap(Double.init) ?? 1
      guard FileManager.default.fileExists(atPath: place) else {
        throw DiffusionError.moved(
          what: "LoRA \(index + 1) of the run",
          sha256: run.model.files.first { $0.key.hasPrefix("lora ") }?.value ?? "unknown",
          path: place)
      }
      return LoRA(path: place, scale: scale)
    }
    let words = run.provenance.embeddings
    guard embeddings.isEmpty || embeddings.count == words.count else {
      throw DiffusionError.invalidRequest(
        what: "the number of embeddings", got: String(embeddings.count),
        expected: "\(words.count), as many as the run has")
    }
    options.embeddings = try words.enumerated().map { index, source in
      let place = embeddings.isEmpty ? source.path : embeddings[index]
      guard FileManager.default.fileExists(atPath: place) else {
        let word = source.options["word"] ?? ""
        throw DiffusionError.moved(
          what: "the embedding of '\(word)'",
          sha256: run.model.files.first {
            $0.key.hasPrefix("embedding ") && $0.key.hasSuffix(":" + word)
          }?.value ?? "unknown", path: place)
      }
      return TextualInversion(path: place, word: source.options["word"])
    }
    if let path {
      try self.init(path, options)
    } else if let found = recorded?.path, FileManager.default.fileExists(atPath: found) {
      try self.init(found, options)
    } else if try Self.bundled.hashes() == run.model.files {
      try self.init(Self.menagerie, options)
    } else {
      throw DiffusionError.moved(
        what: "the checkpoint \(run.model.name)",
        sha256: run.model.files.min { $0.key < $1.key }?.value ?? "unknown",
        path: recorded?.path ?? "an unknown place")
    }
  }

  /// How the files of two checkpoints differ, as in "of which unet/config.json differs"; `nil` if they
  /// have the same contents, whatever the names.
  package static func difference(
    _ recorded: [String: String], _ found: [String: String]
  ) -> String? {
    guard recorded.values.sorted() != found.values.sorted() else { return nil }
    let differing = Set(recorded.keys).union(found.keys).filter { recorded[$0] != found[$0] }
    let both = differing.filter { recorded[$0] != nil && found[$0] != nil }
    guard let file = (both.isEmpty ? differing : both).min() else { return nil }
    let how = !both.isEmpty ? "differs" : found[file] == nil ? "is missing" : "was added"
    return "of which \(file) \(how)"
  }
}
