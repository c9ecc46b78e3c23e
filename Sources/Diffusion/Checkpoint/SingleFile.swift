private import Foundation
internal import TensorEngine

/// A checkpoint in one safetensors file of the original layout, and what is known of its shape.
///
/// Such a file has no configuration. What shapes cannot tell comes from configurations in
/// diffusers' layout beside it, from the YAML file of its own name, or from what the family it
/// belongs to has; ``notes`` say what was taken for granted.
struct SingleFile: Sendable {
  let file: SafetensorsFile
  let unet: JSONNode
  /// `nil` where another autoencoder takes the place of the file's, which it then need not have.
  let vae: JSONNode?
  let text: JSONNode
  /// `nil` where there is one text encoder.
  let secondText: JSONNode?
  let schedule: JSONNode
  /// Files that were read for the configuration.
  let configurations: [String]
  /// What was taken for granted, a line each.
  let notes: [String]
  /// The folder of the tokenizer; `nil` where there is none.
  let tokenizer: String?
  /// That of the second text encoder, likewise.
  let secondTokenizer: String?
  let family: OriginalShapes.Family
  /// The parts that are read.
  private let parts: [CheckpointPart]
  private let shapes: OriginalShapes

  /// - Parameters:
  ///   - path: the safetensors file.
  ///   - configuration: a folder with diffusers' configurations, or a YAML file; `nil` looks
  ///     beside the file.
  ///   - prediction: what the UNet predicts, whatever anything else says.
  ///   - hasVAE: whether the file's own autoencoder is used.
  /// - Throws: `FileError`, ``DiffusionError``.
  init(
    _ path: String, configuration: String?, prediction: Prediction?, hasVAE: Bool = true
  ) throws {
    file = try OfferedFile.safetensors(path)
    shapes = OriginalShapes(file: file)
    let family = shapes.family
    self.family = family
    parts = CheckpointPart.parts(isXL: family == .xl).filter { hasVAE || $0 != .vae }
    try ModelKind.requireRunnable(shapes, parts)
    let beside = try Beside(file: path, configuration: configuration)
    func json(_ part: CheckpointPart) throws -> JSONNode? {
      try beside.json(part.folder + "/config.json")
    }
    let yaml = try beside.yaml.map { try OriginalConfiguration(path: $0) }
    vae =
      hasVAE
      ? try shapes.vae().node(whole: json(.vae), partial: yaml?.vae(), weights: path) : nil
    text = try shapes.text().node(
      whole: json(.textEncoder),
      partial: family == .xl ? nil : yaml?.text(layers: shapes.textLayers()), weights: path)
    secondText =
      family == .xl
      ? try shapes.text(.secondTextEncoder).node(
        whole: json(.secondTextEncoder), partial: nil, weights: path) : nil
    let scheduler = try beside.json("scheduler/scheduler_config.json")
    let meaning = try PredictionSource(
      file, family, scheduler: scheduler, yaml: yaml, chosen: prediction)
    var draft = try shapes.unet()
    draft.assume("sample_size", .integer(meaning.latentSide(family)))
    let shape = try json(.unet)
    unet = try draft.node(whole: shape, partial: yaml?.unet(), weights: path)
    for case (let part, let node?, let key) in [
      (CheckpointPart.unet, unet, "attention_head_dim"),
      (.textEncoder, text, "num_attention_heads"),
      (.secondTextEncoder, secondText, "num_attention_heads"),
    ] where try json(part) == nil && node.optionalMember(key) == nil {
      throw DiffusionError.missingFile(
        path: beside.folder + "/" + part.folder + "/config.json",
        what: "the number of heads of the \(part.title) cannot be inferred from \(path); "
          + "give its configuration too")
    }
    schedule = try meaning.schedule(
      family, whole: scheduler, partial: yaml?.schedule(), weights: path,
      endsAtZero: file.entry("ztsnr") != nil)
    configurations = beside.found
    var notes: [String] = []
    if shape == nil, yaml == nil {
      notes.append(
        "\(path): no configuration beside it; assumed to be \(family.title) as published")
    }
    self.notes = notes + (meaning.note.map { ["\(path): \($0)"] } ?? [])
    (tokenizer, secondTokenizer) = (beside.tokenizer, beside.secondTokenizer)
  }

  /// The names of tensors that belong to no part and are not heeded otherwise.
  var strangers: [String] {
    let prefixes = (parts + [.vae]).map(shapes.prefix)
    return file.names.filter { name in
      !PredictionSource.heeded.contains(name) && !prefixes.contains(where: name.hasPrefix)
    }
  }

  /// The names of a part.
  func names(_ part: CheckpointPart, _ checkpoint: Checkpoint) -> OriginalNames {
    switch part {
    case .unet: .unet(checkpoint.unetConfiguration)
    case .vae: .vae(checkpoint.vaeConfiguration, prefix: shapes.prefix(.vae))
    case .textEncoder where family == .two:
      .openCLIP(layers: checkpoint.textConfiguration.layers)
    case .textEncoder:
      .clip(isPrefixed: shapes.isPrefixed, prefix: shapes.prefix(.textEncoder))
    case .secondTextEncoder:
      .openCLIP(layers: checkpoint.secondTextConfiguration?.layers ?? 0, part: part)
    }
  }
}

/// What lies beside a single file and says what its shapes cannot.
private struct Beside {
  let folder: String
  let yaml: String?
  private(set) var found: [String]
  let tokenizer: String?
  let secondTokenizer: String?

  init(file: String, configuration: String?) throws {
    let own = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if let configuration {
      guard unsafe manager.fileExists(atPath: configuration, isDirectory: &isFolder) else {
        throw DiffusionError.missingFile(
          path: configuration,
          what: "a configuration is a folder with diffusers' configurations, or a YAML file")
      }
    }
    folder = isFolder.boolValue ? configuration ?? own : own
    let stem = file.hasSuffix(".safetensors") ? String(file.dropLast(12)) : file
    let named = [stem + ".yaml", stem + ".yml"].first(where: manager.fileExists)
    yaml = configuration == nil ? named : isFolder.boolValue ? nil : configuration
    // A YAML file that was asked for replaces whatever else is there.
    let readsJSON = configuration == nil || isFolder.boolValue
    let names =
      (CheckpointPart.allCases.map { $0.folder + "/config.json" }
        + ["scheduler/scheduler_config.json"])
    found =
      readsJSON
      ? names.map { [folder] in folder + "/" + $0 }.filter(manager.fileExists) : []
    if let yaml { found.append(yaml) }
    let folders = [folder, own]
    func tokenizer(_ name: String) -> String? {
      folders.map { $0 + "/" + name }.first(where: manager.fileExists)
    }
    (self.tokenizer, secondTokenizer) = (tokenizer("tokenizer"), tokenizer("tokenizer_2"))
  }

  func json(_ name: String) throws -> JSONNode? {
    let path = folder + "/" + name
    return found.contains(path) ? try StrictJSON.read(path: path) : nil
  }
}
