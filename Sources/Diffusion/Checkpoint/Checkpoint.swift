package import AttentionTrace
private import Foundation
package import PromptText
internal import TensorEngine

/// A checkpoint: the places and configurations of its parts.
///
/// It is a folder in diffusers' layout or a single safetensors file in the original one. Opening
/// one reads configurations and the names of tensors; weights are mapped when a part is made.
public struct Checkpoint: Sendable {
  /// The folder or the file, as it was given.
  package let path: String
  /// What was chosen or concluded unasked, a line each.
  package let notes: [String]
  package let unetConfiguration: UNetConfiguration
  package let vaeConfiguration: VAEConfiguration
  package let textConfiguration: TextConfiguration
  package let schedule: NoiseSchedule
  /// What Attend-and-Excite needs different from the paper with this checkpoint.
  package let guidance: GuidanceDefaults
  /// Takes the place of the weight files, which then need not be there.
  package var randomWeights: RandomWeights?
  private let files: CheckpointFiles
  private let options: CheckpointOptions
  private let loras: [LoRAFile]

  /// Opens a folder with `model_index.json`, `unet/`, `vae/`, `text_encoder/` and `scheduler/`; or
  /// a safetensors file with all parts in the original layout, or the folder of just one.
  ///
  /// - Throws: ``DiffusionError`` when a part is missing or of a kind Heed does not run, `FileError`
  ///   when a configuration is damaged.
  public init(_ path: String, _ options: CheckpointOptions = CheckpointOptions()) throws {
    self.path = path
    self.options = options
    files = try CheckpointFiles(path, options)
    let unet: JSONNode
    let schedule: JSONNode
    let notes: [String]
    switch files {
    case .folder:
      func json(_ name: String) throws -> JSONNode { try CheckpointFiles.configuration(path, name) }
      unet = try json("unet/config.json")
      unetConfiguration = try UNetConfiguration(unet)
      vaeConfiguration = try VAEConfiguration(try json("vae/config.json"))
      textConfiguration = try TextConfiguration(try json("text_encoder/config.json"))
      schedule = try json("scheduler/scheduler_config.json")
      // Weights that are missing or damaged are an error where they are read.
      notes = CheckpointPart.allCases.compactMap {
        try? WeightFiles(of: $0, in: path, variant: options.variant).note
      }
    case .file(let file):
      unet = file.unet
      unetConfiguration = try UNetConfiguration(unet)
      vaeConfiguration = try VAEConfiguration(file.vae)
      textConfiguration = try TextConfiguration(file.text)
      schedule = file.schedule
      notes = file.notes
    }
    let (corrected, corrections) = try Self.corrected(schedule, options.prediction)
    self.schedule = try NoiseSchedule(corrected)
    self.notes = notes + corrections
    guidance = try GuidanceDefaults(folder: Self.folder(of: path))
    loras = try options.loras.map { try LoRAFile($0) }
    guard unetConfiguration.contextWidth == textConfiguration.width else {
      throw DiffusionError.unsupported(
        path: unet.file, key: "cross_attention_dim",
        value: String(unetConfiguration.contextWidth),
        supported: "a UNet as wide as its text encoder (\(textConfiguration.width))")
    }
  }

  /// A scheduler's configuration with what diffusers' Stable Diffusion pipelines set in every one.
  ///
  /// That is: no clipping, and timesteps counted from 1; the first configurations lacked both.
  ///
  /// - Reference: diffusers `pipelines/stable_diffusion/pipeline_stable_diffusion.py`, `__init__`.
  private static func corrected(
    _ given: JSONNode, _ prediction: Prediction?
  ) throws -> (JSONNode, notes: [String]) {
    let schedule = try NoiseSchedule(given)
    var node = given
    var notes: [String] = []
    if schedule.clip != nil {
      node = try node.setting("clip_sample", to: .bool(false))
      notes.append("\(given.file): clip_sample is treated as false, as in diffusers' pipelines")
    }
    if schedule.stepsOffset != 1 {
      node = try node.setting("steps_offset", to: .integer(1))
      notes.append("\(given.file): steps_offset is treated as 1, as in diffusers' pipelines")
    }
    if let prediction {
      node = try node.setting("prediction_type", to: .string(prediction.rawValue))
    }
    return (node, notes)
  }

  /// The folder that holds what lies beside the weights.
  package static func folder(of path: String) -> String {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists, !isFolder.boolValue else { return path }
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  /// What the files of the checkpoint are, in words.
  package var layout: String {
    switch files {
    case .folder: "in diffusers' layout"
    case .file(let file): "in the original layout, \(file.family.title)"
    }
  }

  /// The scheduler the checkpoint was shipped with.
  /// - Throws: ``DiffusionError`` when Heed lacks it.
  package func schedulerKind() throws -> SchedulerKind {
    guard let kind = SchedulerKind(className: schedule.className) else {
      throw DiffusionError.unsupported(
        path: path, key: "the scheduler's _class_name",
        value: schedule.className,
        supported: SchedulerKind.allCases.map(\.className).joined(separator: ", ")
          + "; choose one of them instead")
    }
    return kind
  }

  /// Where the model that comes with Heed is.
  package static var menagerie: String {
    ResourceFolder.diffusion.path + "/Menagerie"
  }

  /// Menagerie, the model that comes with Heed.
  /// - Throws: as ``init(_:_:)``.
  public static var bundled: Checkpoint {
    get throws { try Checkpoint(menagerie) }
  }

  /// A path that means the same from any folder.
  package static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// Where it is, and the options that it was opened with.
  package var source: RunProvenance.Source {
    var named: [String: String] = [:]
    named["variant"] = options.variant
    named["config"] = options.configuration.map(Self.absolute)
    named["weights"] = options.weights?.rawValue
    named["prediction"] = options.prediction?.rawValue
    return RunProvenance.Source(path: Self.absolute(path), options: named)
  }

  /// Where its LoRAs are, and their scales.
  package var loraSources: [RunProvenance.Source] {
    options.loras.map {
      RunProvenance.Source(path: Self.absolute($0.path), options: ["scale": String($0.scale)])
    }
  }

  /// The folder's or the file's name, without its ending.
  public var name: String {
    let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    let ending = ".safetensors"
    return name.isEmpty ? path : name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : name
  }
}

// MARK: - Parts

extension Checkpoint {
  /// Reads the UNet's weights.
  /// - Throws: ``DiffusionError`` listing what is missing, unused or of another shape; `FileError`.
  package func makeUNet() throws -> UNet {
    let parameters = try parameters(of: .unet)
    let unet = try UNet(ParameterScope(parameters), unetConfiguration)
    try parameters.finish()
    return unet
  }

  /// Reads the autoencoder's weights; throws as ``makeUNet()``.
  package func makeVAE() throws -> VAE {
    let parameters = try parameters(of: .vae)
    let vae = try VAE(ParameterScope(parameters), vaeConfiguration)
    try parameters.finish()
    return vae
  }

  /// Reads the text encoder's weights; throws as ``makeUNet()``.
  package func makeTextModel() throws -> CLIPTextModel {
    let parameters = try parameters(of: .textEncoder)
    let root = ParameterScope(parameters)
    // transformers 5 writes the names without the prefix that earlier versions gave them.
    let scope = root["text_model"].exists ? root["text_model"] : root
    let model = try CLIPTextModel(scope, textConfiguration)
    try parameters.finish { name in
      if case .file(let file) = files {
        return file.isLeftOut(name, layers: textConfiguration.layers)
      }
      return name.hasSuffix("embeddings.position_ids")
    }
    return model
  }

  /// Reads the tokenizer, or CLIP's own where the checkpoint ships none.
  /// - Throws: `TextError`, `FileError`.
  package func makeTokenizer() throws -> CLIPTokenizer {
    switch files {
    case .folder: try Self.tokenizer(in: path + "/tokenizer", isOpen: textConfiguration.isOpen)
    case .file(let file):
      try Self.tokenizer(in: file.tokenizer, isOpen: file.family == .two)
    }
  }

  /// Reads the tokenizer of a checkpoint without looking at its other parts.
  /// - Throws: `TextError`, `FileError`; ``DiffusionError`` if there is no such checkpoint.
  package static func tokenizer(of path: String) throws -> CLIPTokenizer {
    let file = try CheckpointFiles.singleFile(at: path)
    let isOpen = try file.map { file in
      OriginalShapes(file: try SafetensorsFile(path: file)).family == .two
    }
    return try tokenizer(in: folder(of: file ?? path) + "/tokenizer", isOpen: isOpen ?? false)
  }

  /// The tokenizer in a folder, or CLIP's, padded as the text encoder was trained.
  private static func tokenizer(in folder: String?, isOpen: Bool) throws -> CLIPTokenizer {
    guard let folder, FileManager.default.fileExists(atPath: folder) else {
      return try .bundled(padding: isOpen ? "!" : nil)
    }
    return try CLIPTokenizer(folder: folder)
  }

  /// A part's parameters as diffusers calls them, with what LoRAs add to them.
  /// - Throws: `FileError`, ``DiffusionError``.
  package func parameters(of part: CheckpointPart) throws -> Parameters {
    if let randomWeights { return Parameters(drawing: randomWeights) }
    let original: OriginalNames?
    let weights: [SafetensorsFile]
    switch files {
    case .folder:
      weights = try weightFiles(part).paths.map(SafetensorsFile.init(path:))
      original = nil
    case .file(let file):
      weights = [file.file]
      original = file.names(part, self)
    }
    let unchanged = try Parameters(weights, original: original, precision: options.weights)
    guard !loras.isEmpty, part != .vae else { return unchanged }
    // kohya's files can go by the original names, whatever the checkpoint's layout.
    let names = original ?? (part == .unet ? .unet(unetConfiguration) : nil)
    let updates = try LoRAUpdates(
      loras, to: part, weights: unchanged.names, original: names)
    return try Parameters(
      weights, original: original, updates: updates, precision: options.weights)
  }

  private func weightFiles(_ part: CheckpointPart) throws -> WeightFiles {
    try WeightFiles(of: part, in: path, variant: options.variant)
  }

  /// SHA-256 of every file that decides what the checkpoint computes, by its path in the folder;
  /// a LoRA's by its name and scale.
  /// - Throws: `FileError` when one cannot be read.
  package func hashes() throws -> [String: String] {
    let root = Self.folder(of: path)
    var tokenizer: String? = root + "/tokenizer"
    var paths: [String]
    switch files {
    case .folder:
      paths = try CheckpointPart.allCases.flatMap { part in
        let files = try weightFiles(part)
        return files.paths + [files.index, "\(root)/\(part.folder)/config.json"].compactMap(\.self)
      }
      paths.append(root + "/scheduler/scheduler_config.json")
    case .file(let file):
      paths = [file.file.path] + file.configurations
      tokenizer = file.tokenizer
    }
    paths.append(root + "/guidance.json")
    paths += ["vocab.json", "merges.txt", "tokenizer.json"].compactMap { name in
      tokenizer.map { $0 + "/" + name }
    }
    var hashes: [String: String] = [:]
    for path in paths where FileManager.default.fileExists(atPath: path) {
      let name = path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
      hashes[name] = SHA256.digest(of: try MappedFile(path: path))
    }
    for lora in options.loras {
      let name = URL(fileURLWithPath: lora.path).lastPathComponent
      var key = "lora \(name):\(lora.scale)"
      while hashes[key] != nil { key += ", again" }
      hashes[key] = SHA256.digest(of: try MappedFile(path: lora.path))
    }
    // Rounded weights are others.
    if options.weights == .float16 { hashes["weights"] = WeightPrecision.float16.rawValue }
    return hashes
  }
}

// MARK: - Guidance
