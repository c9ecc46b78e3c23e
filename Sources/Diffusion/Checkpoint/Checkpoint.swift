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
  /// That of SDXL's second text encoder; `nil` in SD 1.x and 2.x.
  package let secondTextConfiguration: TextConfiguration?
  /// Whether it is SDXL, with two text encoders and a UNet that is told sizes.
  package let isXL: Bool
  /// Whether an absent negative prompt is no text at all instead of an empty one.
  package let zeroesAbsentText: Bool
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
  /// What takes the place of its UNet.
  private let otherUNet: UNetSource?
  private let options: CheckpointOptions
  private let loras: [LoRAFile]
  private let embeddings: [EmbeddingFile]

  /// Opens a folder with `model_index.json`, `unet/`, `vae/`, `text_encoder/`, in SDXL `text_encoder_2/`, and
  /// `scheduler/`; or
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
    otherUNet = try options.unet.map { try UNetSource($0, variant: options.variant) }
    let otherUNet = self.otherUNet
    let unet: JSONNode
    let schedule: JSONNode
    var schedulerClass: String?
    let notes: [String]
    switch files {
    case .folder:
      func json(_ name: String) throws -> JSONNode { try CheckpointFiles.configuration(path, name) }
      let parts = try ModelKind.naming(path) {
        let unet = try otherUNet?.configuration ?? json("unet/config.json")
        let configuration = try UNetConfiguration(unet)
        try ModelKind.requireFirstTextEncoder(configuration, folder: path)
        return try (
          unet: unet, unetConfiguration: configuration,
          vae: VAEConfiguration(otherVAE?.configuration ?? json("vae/config.json")),
          text: TextConfiguration(json("text_encoder/config.json")),
          second: configuration.added == nil
            ? nil : TextConfiguration(json("text_encoder_2/config.json")),
          schedule: json("scheduler/scheduler_config.json")
        )
      }
      (unet, schedule) = (parts.unet, parts.schedule)
      unetConfiguration = parts.unetConfiguration
      vaeConfiguration = parts.vae
      (textConfiguration, secondTextConfiguration) = (parts.text, parts.second)
      var zeroes = true
      if FileManager.default.fileExists(atPath: path + "/model_index.json") {
        let index = try json("model_index.json")
        schedulerClass = try Self.schedulerClass(in: index)
        zeroes = try index.optionalMember("force_zeros_for_empty_prompt")?.bool() ?? true
      }
      zeroesAbsentText = parts.second != nil && zeroes
      // Weights that are missing or damaged are an error where they are read.
      notes =
        CheckpointPart.parts(isXL: parts.second != nil).compactMap {
          ($0 == .vae && otherVAE != nil) || ($0 == .unet && otherUNet != nil)
            ? nil : try? WeightFiles(of: $0, in: path, variant: options.variant).note
        } + [Self.windowNote(path, textConfiguration.window)].compactMap(\.self)
    case .file(let file):
      unet = otherUNet?.configuration ?? file.unet
      unetConfiguration = try UNetConfiguration(unet)
      guard let vae = otherVAE?.configuration ?? file.vae else {
        bug("a file without an autoencoder, and none beside it")
      }
      vaeConfiguration = try VAEConfiguration(vae)
      textConfiguration = try TextConfiguration(file.text)
      secondTextConfiguration = try file.secondText.map { try TextConfiguration($0) }
      zeroesAbsentText = file.secondText != nil
      schedule = file.schedule
      notes = file.notes
    }
    let name =
      try schedulerClass ?? schedule.optionalMember("_class_name")?.string() ?? "PNDMScheduler"
    let kind = try Self.kind(ofClass: name, schedule) ?? .ddim
    (self.schedulerClass, schedulerFile) = (name, schedule)
    isXL = secondTextConfiguration != nil
    var changes = Self.changes(options, isXL: isXL)
    if kind.defaults["rescale_betas_zero_snr"] == nil { changes.zeroTerminalSNR = nil }
    self.schedule = try SchedulerConfiguration(schedule, for: kind, changes)
    conclusions =
      try notes + (otherVAE?.notes ?? []) + (otherUNet?.notes ?? [])
      + (isXL ? [] : Self.corrections(of: schedule, kind))
      + Self.corrections(of: unet, unetConfiguration)
    guidance = try GuidanceDefaults(folder: Self.folder(of: path))
    loras = try options.loras.map { [isXL] in try LoRAFile($0, isXL: isXL) }
    embeddings = try options.embeddings.map { try EmbeddingFile($0) }
    let width = textConfiguration.width + (secondTextConfiguration?.width ?? 0)
    guard unetConfiguration.contextWidth == width else {
      throw DiffusionError.unsupported(
        path: unet.file, key: "cross_attention_dim",
        value: String(unetConfiguration.contextWidth),
        supported: "a UNet as wide as its text encoder\(isXL ? "s" : "") (\(width))")
    }
    if let second = secondTextConfiguration, second.window != textConfiguration.window {
      throw DiffusionError.unsupported(
        path: path, key: "max_position_embeddings of text_encoder_2", value: String(second.window),
        supported: "\(textConfiguration.window), which the first text encoder has")
    }
    if let added = unetConfiguration.added,
      let second = secondTextConfiguration, second.projection != added.pooledWidth
    {
      throw DiffusionError.unsupported(
        path: unet.file, key: "projection_class_embeddings_input_dim", value: String(added.width),
        supported: "\(added.width - added.pooledWidth) for the sizes and "
          + (second.projection.map { "\($0), which the second text encoder projects to" }
            ?? "a second text encoder with a projection"))
    }
  }

  /// How many of the text encoders' last layers can be left out.
  package var mostClipSkip: Int {
    // SDXL reads the last layer but one.
    secondTextConfiguration.map { min(textConfiguration.layers, $0.layers) - 1 }
      ?? textConfiguration.layers
  }

  /// The parts it has.
  package var parts: [CheckpointPart] { CheckpointPart.parts(isXL: isXL) }

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

  private static func changes(
    _ options: CheckpointOptions, isXL: Bool
  ) -> SchedulerConfiguration.Changes {
    // SDXL's pipelines take a scheduler's configuration as it stands.
    var changes = isXL ? .none : SchedulerConfiguration.Changes()
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
    for part in parts where randomWeights == nil {
      // What is missing or damaged is an error where it is read.
      guard let parameters = try? parameters(of: part, reads: false),
        let unused = try? survey(part, parameters)
      else { continue }
      unused.forEach { passedOver.add($0) }
      notes += parameters.notes
    }
    switch files {
    case .folder:
      CheckpointFiles.otherParts(of: path, besides: parts).forEach { passedOver.add(folder: $0) }
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
    case .textEncoder, .secondTextEncoder: _ = try textModel(part, parameters)
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
    var changes = Self.changes(options, isXL: isXL)
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
    named["unet"] = options.unet.map(Self.absolute)
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

  /// Reads the text encoders' weights and their tokenizers.
  /// - Throws: as ``makeUNet()`` and ``makeTokenizer()``.
  package func makeTextEncoders() throws -> TextEncoders {
    TextEncoders(
      try makeTokenizer(), try makeTextModel(.textEncoder),
      second: isXL
        ? (try makeTokenizer(of: .secondTextEncoder), try makeTextModel(.secondTextEncoder)) : nil)
  }

  /// Reads a text encoder's weights; throws as ``makeUNet()``.
  package func makeTextModel(_ part: CheckpointPart = .textEncoder) throws -> CLIPTextModel {
    let parameters = try parameters(of: part)
    let model = try textModel(part, parameters)
    try parameters.finish()
    return model
  }

  /// The configuration of a text encoder that the checkpoint has.
  private func textConfiguration(_ part: CheckpointPart) -> TextConfiguration {
    guard part == .secondTextEncoder else { return textConfiguration }
    guard let secondTextConfiguration else { bug("a checkpoint without a second text encoder") }
    return secondTextConfiguration
  }

  private func textModel(
    _ part: CheckpointPart, _ parameters: Parameters
  ) throws -> CLIPTextModel {
    let root = ParameterScope(parameters)
    // transformers 5 writes the names without the prefix that earlier versions gave them.
    return try CLIPTextModel(
      root["text_model"].exists ? root["text_model"] : root, textConfiguration(part),
      rows: try embeddedRows(part), projectionIn: part == .secondTextEncoder ? root : nil)
  }

  /// The vectors of added words by the ids that the tokenizer gives them.
  private func embeddedRows(_ part: CheckpointPart) throws -> [Int: [Float]] {
    guard !embeddings.isEmpty else { return [:] }
    let tokenizer = try makeTokenizer(of: part)
    return try embeddings.reduce(into: [:]) { rows, file in
      let ids = tokenizer.ids(ofAdded: file.word) ?? []
      rows.merge(
        try file.rows(ids, width: textConfiguration(part).width, of: part, isXL: isXL)
      ) { $1 }
    }
  }

  /// Reads a text encoder's tokenizer, or CLIP's own where the checkpoint ships none; its window is the text
  /// encoder's, and its words those of the embeddings too.
  /// - Throws: `TextError`, `FileError`.
  package func makeTokenizer(of part: CheckpointPart = .textEncoder) throws -> CLIPTokenizer {
    let configuration = textConfiguration(part)
    let own =
      switch files {
      case .folder:
        try Self.tokenizer(
          in: path + (part == .secondTextEncoder ? "/tokenizer_2" : "/tokenizer"),
          isOpen: configuration.isOpen)
      case .file(let file):
        try Self.tokenizer(
          in: part == .secondTextEncoder ? file.secondTokenizer : file.tokenizer,
          isOpen: configuration.isOpen)
      }
    return try Self.adding(embeddings, to: own.reading(configuration.window))
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
    if part == .unet, let otherUNet {
      weights = try otherUNet.weights.map(OfferedFile.safetensors)
      original = otherUNet.names(unetConfiguration)
    } else if case .file(let file) = files {
      weights = [file.file]
      original = file.names(part, self)
    } else {
      weights = try weightFiles(part).paths.map(OfferedFile.safetensors)
      original = nil
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
    var (tokenizer, secondTokenizer) = (
      Optional(root + "/tokenizer"), Optional(root + "/tokenizer_2")
    )
    var paths: [String]
    switch files {
    case .folder:
      let own = parts.filter {
        ($0 != .vae || otherVAE == nil) && ($0 != .unet || otherUNet == nil)
      }
      paths = try own.flatMap { part in
        let files = try weightFiles(part)
        return files.paths + [files.index, "\(root)/\(part.folder)/config.json"].compactMap(\.self)
      }
      paths.append(root + "/scheduler/scheduler_config.json")
    case .file(let file):
      paths = [file.file.path] + file.configurations
      (tokenizer, secondTokenizer) = (file.tokenizer, file.secondTokenizer)
    }
    paths.append(root + "/guidance.json")
    for folder in [tokenizer, isXL ? secondTokenizer : nil].compactMap(\.self) {
      paths += ["vocab.json", "merges.txt", "tokenizer.json"].map { folder + "/" + $0 }
    }
    var hashes: [String: String] = [:]
    for path in paths where FileManager.default.fileExists(atPath: path) {
      let name = path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
      hashes[name] = SHA256.digest(of: try MappedFile(path: path))
    }
    for (what, files) in [("vae", otherVAE?.files ?? []), ("unet", otherUNet?.files ?? [])] {
      for file in files {
        hashes["\(what) " + URL(fileURLWithPath: file).lastPathComponent] = SHA256.digest(
          of: try MappedFile(path: file))
      }
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
