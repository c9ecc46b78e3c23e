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
  /// What was chosen or concluded unasked of the checkpoint's kind, a line each.
  private let conclusions: [String]
  package let unetConfiguration: UNetConfiguration
  package let vaeConfiguration: VAEConfiguration
  package let textConfiguration: TextConfiguration
  /// The settings of the scheduler that the checkpoint names, or DDIM's where Heed lacks that one.
  package let schedule: SchedulerConfiguration
  /// What diffusers calls the scheduler that the checkpoint names.
  package let schedulerClass: String
  private let schedulerFile: JSONNode
  /// What Attend-and-Excite needs different from the paper with this checkpoint.
  package let guidance: GuidanceDefaults
  /// Takes the place of the weight files, which then need not be there.
  package var randomWeights: RandomWeights?
  private let files: CheckpointFiles
  /// What takes the place of its autoencoder.
  private let otherVAE: VAESource?
  private let options: CheckpointOptions
  private let loras: [LoRAFile]
  private let embeddings: [EmbeddingFile]

  /// Opens a folder with `model_index.json`, `unet/`, `vae/`, `text_encoder/` and `scheduler/`; or
  /// a safetensors file with all parts in the original layout, or the folder of just one.
  ///
  /// - Throws: ``DiffusionError`` when a part is missing or of a kind Heed does not run, `FileError`
  ///   when a configuration is damaged.
  public init(_ path: String, _ options: CheckpointOptions = CheckpointOptions()) throws {
    self.path = path
    self.options = options
    files = try CheckpointFiles(path, options)
    otherVAE = try options.vae.map { try VAESource($0, variant: options.variant) }
    let otherVAE = self.otherVAE
    let unet: JSONNode
    let schedule: JSONNode
    var schedulerClass: String?
    let notes: [String]
    switch files {
    case .folder:
      func json(_ name: String) throws -> JSONNode { try CheckpointFiles.configuration(path, name) }
      let parts = try ModelKind.naming(path) {
        let unet = try json("unet/config.json")
        return try (
          unet: unet, unetConfiguration: UNetConfiguration(unet),
          vae: VAEConfiguration(otherVAE?.configuration ?? json("vae/config.json")),
          text: TextConfiguration(json("text_encoder/config.json")),
          schedule: json("scheduler/scheduler_config.json")
        )
      }
      (unet, schedule) = (parts.unet, parts.schedule)
      unetConfiguration = parts.unetConfiguration
      vaeConfiguration = parts.vae
      textConfiguration = parts.text
      if FileManager.default.fileExists(atPath: path + "/model_index.json") {
        schedulerClass = try Self.schedulerClass(in: json("model_index.json"))
      }
      // Weights that are missing or damaged are an error where they are read.
      notes =
        CheckpointPart.allCases.compactMap {
          $0 == .vae && otherVAE != nil
            ? nil : try? WeightFiles(of: $0, in: path, variant: options.variant).note
        } + [Self.windowNote(path, textConfiguration.window)].compactMap(\.self)
    case .file(let file):
      unet = file.unet
      unetConfiguration = try UNetConfiguration(unet)
      guard let vae = otherVAE?.configuration ?? file.vae else {
        bug("a file without an autoencoder, and none beside it")
      }
      vaeConfiguration = try VAEConfiguration(vae)
      textConfiguration = try TextConfiguration(file.text)
      schedule = file.schedule
      notes = file.notes
    }
    let name =
      try schedulerClass ?? schedule.optionalMember("_class_name")?.string() ?? "PNDMScheduler"
    let kind = try Self.kind(ofClass: name, schedule) ?? .ddim
    (self.schedulerClass, schedulerFile) = (name, schedule)
    var changes = Self.changes(options)
    if kind.defaults["rescale_betas_zero_snr"] == nil { changes.zeroTerminalSNR = nil }
    self.schedule = try SchedulerConfiguration(schedule, for: kind, changes)
    conclusions =
      try notes + (otherVAE?.notes ?? []) + Self.corrections(of: schedule, kind)
      + Self.corrections(of: unet, unetConfiguration)
    guidance = try GuidanceDefaults(folder: Self.folder(of: path))
    loras = try options.loras.map { try LoRAFile($0) }
    embeddings = try options.embeddings.map { try EmbeddingFile($0) }
    guard unetConfiguration.contextWidth == textConfiguration.width else {
      throw DiffusionError.unsupported(
        path: unet.file, key: "cross_attention_dim",
        value: String(unetConfiguration.contextWidth),
        supported: "a UNet as wide as its text encoder (\(textConfiguration.width))")
    }
  }

  /// What is said where the tokenizer would cut prompts elsewhere than the text encoder's positions end.
  private static func windowNote(_ path: String, _ window: Int) -> String? {
    let file = path + "/tokenizer/tokenizer_config.json"
    guard FileManager.default.fileExists(atPath: file),
      let node = try? StrictJSON.read(path: file).optionalMember("model_max_length"),
      let length = try? node.double(), length != Double(window), length < 65_537
    else { return nil }
    return
      "\(file): model_max_length is \(node.value.text); prompts take the text encoder's \(window) positions"
  }

  /// The scheduler's class by `model_index.json`, which decides in diffusers; `nil` if it names none.
  private static func schedulerClass(in index: JSONNode) throws -> String? {
    let names = try index.optionalMember("scheduler")?.elements()
    return try names?.last.flatMap { $0.value == .null ? nil : try $0.string() }
  }

  private static func kind(ofClass name: String, _ file: JSONNode) throws -> SchedulerKind? {
    SchedulerKind(
      className: name, algorithm: try file.optionalMember("algorithm_type")?.string())
  }

  private static func changes(_ options: CheckpointOptions) -> SchedulerConfiguration.Changes {
    var changes = SchedulerConfiguration.Changes()
    changes.prediction = options.prediction
    changes.zeroTerminalSNR = options.zeroTerminalSNR
    return changes
  }

  /// What diffusers' Stable Diffusion pipelines set in every scheduler's configuration, a line each.
  ///
  /// - Reference: diffusers `pipelines/stable_diffusion/pipeline_stable_diffusion.py`, `__init__`.
  private static func corrections(of file: JSONNode, _ kind: SchedulerKind) throws -> [String] {
    let given = try SchedulerConfiguration(file, for: kind, .none)
    var notes: [String] = []
    if given.clip != nil {
      notes.append("\(file.file): clip_sample is treated as false, as in diffusers' pipelines")
    }
    if given.stepsOffset != 1, given.settings["steps_offset"] != nil {
      notes.append("\(file.file): steps_offset is treated as 1, as in diffusers' pipelines")
    }
    return notes
  }

  private static func corrections(
    of file: JSONNode, _ unet: UNetConfiguration
  ) throws -> [String] {
    guard case .integer(let stated)? = try file.optionalMember("sample_size")?.value,
      stated != unet.sampleRows
    else { return [] }
    return [
      "\(file.file): sample_size is treated as \(unet.sampleRows), as in diffusers' pipelines for "
        + "files saved before version 0.9"
    ]
  }

  /// What was chosen or concluded unasked, and what was passed over, a line each.
  package var notes: [String] {
    var notes = conclusions
    var passedOver = PassedOver()
    for part in CheckpointPart.allCases where randomWeights == nil {
      // What is missing or damaged is an error where it is read.
      guard let parameters = try? parameters(of: part, reads: false),
        let unused = try? survey(part, parameters)
      else { continue }
      unused.forEach { passedOver.add($0) }
      notes += parameters.notes
    }
    switch files {
    case .folder: CheckpointFiles.otherParts(of: path).forEach { passedOver.add(folder: $0) }
    case .file(let file): file.strangers.forEach { passedOver.add($0) }
    }
    notes += passedOver.description.map { ["\(path): \($0)"] } ?? []
    return notes + loras.compactMap(\.note)
  }

  /// What a part's files have that the part does not ask for.
  private func survey(_ part: CheckpointPart, _ parameters: Parameters) throws -> [String] {
    switch part {
    case .unet: _ = try UNet(ParameterScope(parameters), unetConfiguration)
    case .vae: _ = try VAE(ParameterScope(parameters), vaeConfiguration)
    case .textEncoder: _ = try textModel(parameters)
    }
    return try parameters.finish()
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
    if let kind = try Self.kind(ofClass: schedulerClass, schedulerFile) { return kind }
    let kinds = SchedulerKind.allCases.map(\.rawValue).joined(separator: ", ")
    if let obstacle = SchedulerKind.obstacle(ofClass: schedulerClass) {
      throw DiffusionError.notRunnable(
        path: path, what: "its scheduler is \(schedulerClass), which \(obstacle)",
        advice: "choose a scheduler: \(kinds)")
    }
    throw DiffusionError.unsupported(
      path: path, key: "the scheduler", value: schedulerClass,
      supported: kinds + "; choose one of them instead")
  }

  /// The settings under which a scheduler of a kind runs with this checkpoint.
  ///
  /// - Parameters:
  ///   - sigmas: how noise levels are spaced; `nil` for what the checkpoint says.
  ///   - spacing: how timesteps are spread; `nil` for what the checkpoint says.
  /// - Throws: ``DiffusionError`` or `FileError` when it cannot run so.
  package func schedulerConfiguration(
    _ kind: SchedulerKind, sigmas: SigmaSpacing? = nil,
    spacing: SchedulerConfiguration.Spacing? = nil
  ) throws -> SchedulerConfiguration {
    var changes = Self.changes(options)
    (changes.sigmas, changes.spacing) = (sigmas, spacing)
    return try SchedulerConfiguration(schedulerFile, for: kind, changes)
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
    named["vae"] = options.vae.map(Self.absolute)
    named["config"] = options.configuration.map(Self.absolute)
    named["weights"] = options.weights?.rawValue
    if Engine.precision != .float32 { named["precision"] = Engine.precision.rawValue }
    named["prediction"] = options.prediction?.rawValue
    named["zero-snr"] = options.zeroTerminalSNR.map { String($0) }
    return RunProvenance.Source(path: Self.absolute(path), options: named)
  }

  /// Where its LoRAs are, and their scales.
  package var loraSources: [RunProvenance.Source] {
    options.loras.map {
      RunProvenance.Source(path: Self.absolute($0.path), options: ["scale": String($0.scale)])
    }
  }

  /// Where its embeddings are, and their words.
  package var embeddingSources: [RunProvenance.Source] {
    embeddings.map {
      RunProvenance.Source(path: Self.absolute($0.path), options: ["word": $0.word])
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
    let model = try textModel(parameters)
    try parameters.finish()
    return model
  }

  private func textModel(_ parameters: Parameters) throws -> CLIPTextModel {
    let root = ParameterScope(parameters)
    // transformers 5 writes the names without the prefix that earlier versions gave them.
    return try CLIPTextModel(
      root["text_model"].exists ? root["text_model"] : root, textConfiguration,
      rows: try embeddedRows())
  }

  /// The vectors of added words by the ids that the tokenizer gives them.
  private func embeddedRows() throws -> [Int: [Float]] {
    guard !embeddings.isEmpty else { return [:] }
    let tokenizer = try makeTokenizer()
    return try embeddings.reduce(into: [:]) { rows, file in
      let ids = tokenizer.ids(ofAdded: file.word) ?? []
      rows.merge(try file.rows(ids, width: textConfiguration.width)) { $1 }
    }
  }

  /// Reads the tokenizer, or CLIP's own where the checkpoint ships none; its window is the text encoder's,
  /// and its words those of the embeddings too.
  /// - Throws: `TextError`, `FileError`.
  package func makeTokenizer() throws -> CLIPTokenizer {
    let own =
      switch files {
      case .folder: try Self.tokenizer(in: path + "/tokenizer", isOpen: textConfiguration.isOpen)
      case .file(let file):
        try Self.tokenizer(in: file.tokenizer, isOpen: file.family == .two)
      }
    return try Self.adding(embeddings, to: own.reading(textConfiguration.window))
  }

  private static func adding(
    _ embeddings: [EmbeddingFile], to tokenizer: CLIPTokenizer
  ) throws -> CLIPTokenizer {
    guard !embeddings.isEmpty else { return tokenizer }
    return try tokenizer.adding(embeddings.map { ($0.word, $0.vectors.shape[0]) })
  }

  /// Reads the tokenizer of a checkpoint without looking at its other parts than the text encoder's
  /// configuration.
  /// - Throws: `TextError`, `FileError`; ``DiffusionError`` if there is no such checkpoint.
  package static func tokenizer(
    of path: String, embeddings: [TextualInversion] = []
  ) throws -> CLIPTokenizer {
    let files = try embeddings.map { try EmbeddingFile($0) }
    let tokenizer = try plainTokenizer(of: path)
    let configuration = folder(of: path) + "/text_encoder/config.json"
    guard FileManager.default.fileExists(atPath: configuration) else {
      return try adding(files, to: tokenizer)
    }
    let text = try TextConfiguration(try StrictJSON.read(path: configuration))
    return try adding(files, to: tokenizer.reading(text.window))
  }

  private static func plainTokenizer(of path: String) throws -> CLIPTokenizer {
    let file = try CheckpointFiles.singleFile(at: path)
    let isOpen = try file.map { file in
      OriginalShapes(file: try OfferedFile.safetensors(file)).family == .two
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
  ///
  /// - Parameter reads: whether numbers are read, or only names and shapes.
  /// - Throws: `FileError`, ``DiffusionError``.
  package func parameters(of part: CheckpointPart, reads: Bool = true) throws -> Parameters {
    if let randomWeights { return Parameters(drawing: randomWeights) }
    if part == .vae, let otherVAE {
      return try otherVAE.parameters(vaeConfiguration, precision: options.weights, reads: reads)
    }
    let original: OriginalNames?
    let weights: [SafetensorsFile]
    switch files {
    case .folder:
      weights = try weightFiles(part).paths.map(OfferedFile.safetensors)
      original = nil
    case .file(let file):
      weights = [file.file]
      original = file.names(part, self)
    }
    let unchanged = try Parameters(
      weights, original: original, precision: options.weights, reads: reads)
    guard !loras.isEmpty, part != .vae else { return unchanged }
    // kohya's files can go by the original names, whatever the checkpoint's layout.
    let names = original ?? (part == .unet ? .unet(unetConfiguration) : nil)
    let updates = try LoRAUpdates(loras, to: part, of: unchanged, original: names)
    return try Parameters(
      weights, original: original, updates: updates, precision: options.weights, reads: reads)
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
      paths = try CheckpointPart.allCases.filter { $0 != .vae || otherVAE == nil }.flatMap { part in
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
    for file in otherVAE?.files ?? [] {
      hashes["vae " + URL(fileURLWithPath: file).lastPathComponent] = SHA256.digest(
        of: try MappedFile(path: file))
    }
    for (lora, file) in zip(options.loras, loras) {
      let name = URL(fileURLWithPath: lora.path).lastPathComponent
      var key = "lora \(name):\(lora.scale)"
      while hashes[key] != nil { key += ", again" }
      hashes[key] = SHA256.digest(of: try MappedFile(path: lora.path))
      if let path = file.configuration {
        hashes[key + ", adapter_config.json"] = SHA256.digest(of: try MappedFile(path: path))
      }
    }
    for embedding in embeddings {
      let name = URL(fileURLWithPath: embedding.path).lastPathComponent
      hashes["embedding \(name):\(embedding.word)"] = SHA256.digest(
        of: try MappedFile(path: embedding.path))
    }
    // Rounded weights are others.
    if options.weights == .float16 { hashes["weights"] = WeightPrecision.float16.rawValue }
    // As is what products make of them.
    if Engine.precision != .float32 { hashes["precision"] = Engine.precision.rawValue }
    return hashes
  }
}

// MARK: - Guidance
