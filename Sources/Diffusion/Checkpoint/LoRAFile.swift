private import Foundation
internal import TensorEngine

/// The modules that a LoRA file changes, by whichever of its layouts' names.
///
/// - Reference: diffusers `loaders/lora_conversion_utils.py` and `utils/peft_utils.py`; peft
///   `utils/save_and_load.py`; kohya-ss/sd-scripts `networks/lora.py`; KohakuBlueleaf/LyCORIS
///   `lycoris/modules`.
struct LoRAFile: Sendable {
  /// The changes of one module.
  struct Module: Sendable {
    /// What begins the module's names in the file.
    let key: String
    let part: CheckpointPart
    /// The module's name in diffusers' layout or in the original one, with `_` for every point.
    let name: String
    /// Whether the file names it with points, as diffusers and peft do.
    let isDotted: Bool
    /// Names of its tensors in the file.
    var tensors: [LoRARole: String] = [:]
    /// What a product of factors is multiplied with, times the rank; `nil` for the rank itself.
    var alpha: Double?
    /// What every change of the weight is multiplied with besides.
    var scalar = 1.0
    /// Whether `alpha` is divided by the rank's root and not by the rank.
    var isRankStabilized = false
  }

  let file: SafetensorsFile
  let scale: Double
  let modules: [Module]
  /// peft's `adapter_config.json` beside the file; `nil` where its scales stand in the file.
  let configuration: String?
  /// Names of no known layout.
  private let unknown: [String]

  /// Reads what the file changes, and no weights.
  ///
  /// - Parameter isXL: whether the checkpoint is SDXL.
  /// - Throws: `FileError` for a damaged file; ``DiffusionError`` for a file that is no LoRA, is one for
  ///   another model, or changes weights in a way that Heed does not compute.
  init(_ lora: LoRA, isXL: Bool = false) throws {
    file = try OfferedFile.safetensors(lora.path)
    scale = lora.scale
    if let model = LoRAArchitecture.stated(by: file), !model.fits(isXL: isXL) {
      throw Self.refusal(file.path, model)
    }
    try Self.refuseOtherKinds(file)
    var modules: [Module] = []
    var positions: [String: Int] = [:]
    var unknown: [String] = []
    for entry in file.entries {
      guard let (key, adapter, role) = LoRARole.split(entry.name),
        let (part, name, isDotted) = Self.place(key)
      else {
        unknown.append(FileError.printable(entry.name))
        continue
      }
      let identity = "\(adapter) \(key)"
      let position = positions[identity] ?? modules.count
      if position == modules.count {
        modules.append(Module(key: key, part: part, name: name, isDotted: isDotted))
        positions[identity] = position
      }
      switch role {
      case .alpha: modules[position].alpha = try Self.number(entry, file)
      case .scalar: modules[position].scalar = try Self.number(entry, file)
      default:
        if modules[position].tensors.updateValue(entry.name, forKey: role) != nil {
          throw FileError(
            .malformed, path: file.path, subject: FileError.printable(entry.name),
            reason: "the same factor stands in the file under two names")
        }
      }
    }
    // A scale without anything to scale.
    unknown += modules.filter(\.tensors.isEmpty).map { FileError.printable($0.key) + ".alpha" }
    modules.removeAll(where: \.tensors.isEmpty)
    guard !modules.isEmpty else {
      if let kind = ModelKind.insteadOfLoRA(file) { throw kind.refusal(file.path) }
      throw FileError(
        .malformed, path: file.path,
        reason: "expected a LoRA in the layout of diffusers, peft or kohya, got none of its names")
    }
    let metadata = try LoRAMetadata(file)
    configuration = metadata.path
    self.modules = try modules.map { [file] in try metadata.completing($0, file) }
    self.unknown = unknown
  }

  /// What was passed over, in a line; `nil` for nothing.
  var note: String? {
    unknown.isEmpty
      ? nil
      : "\(file.path): passed over \(unknown.count) of \(file.entries.count) tensors, whose names belong to "
        + "no known LoRA layout: " + Self.list(unknown)
  }

  /// Names for a message.
  static func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }

  private static func number(
    _ entry: SafetensorsFile.Entry, _ file: SafetensorsFile
  ) throws -> Double {
    guard entry.count == 1 else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(entry.name),
        reason: "expected one number, got the shape \(entry.shape)")
    }
    let isInteger = [.i64, .i32, .u8].contains(entry.type)
    let number =
      isInteger
      ? Double(try file.integers(entry.name)[0])
      : Double(try file.tensor(entry.name).values[0])
    guard number.isFinite else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(entry.name),
        reason: "expected a finite number, got \(number)")
    }
    return number
  }
}

// MARK: - Names

extension LoRAFile {
  /// What begins a key, and the part that it says; `nil` for one that only stands before another.
  private static let prefixes: [(start: String, part: CheckpointPart?)] = [
    ("base_model.model.", nil), ("model.diffusion_model.", .unet), ("diffusion_model.", .unet),
    ("unet.", .unet), ("text_encoder.", .textEncoder), ("cond_stage_model.", .textEncoder),
    ("text_encoders.clip_l.", .textEncoder), ("lora_unet_", .unet), ("lora_te_", .textEncoder),
    ("lora_te1_", .textEncoder), ("lycoris_", .unet), ("text_encoder_2.", .secondTextEncoder),
    ("text_encoders.clip_g.", .secondTextEncoder), ("lora_te2_", .secondTextEncoder),
  ]

  /// How the names of modules begin where nothing names the part.
  private static let unprefixed: [(start: String, part: CheckpointPart)] = [
    ("down_blocks.", .unet), ("mid_block.", .unet), ("up_blocks.", .unet),
    ("input_blocks.", .unet), ("middle_block.", .unet), ("output_blocks.", .unet),
    ("conv_in", .unet), ("conv_out", .unet), ("conv_norm_out", .unet), ("time_embed", .unet),
    ("text_model.", .textEncoder), ("transformer.text_model.", .textEncoder),
    ("encoder.layers.", .textEncoder),
  ]

  /// What the original layout, and ComfyUI's names after it, put before transformers' of a text encoder.
  private static let wrapper = "transformer."

  /// The part and the module that a key stands for.
  private static func place(_ key: String) -> (CheckpointPart, name: String, isDotted: Bool)? {
    var bare = Substring(key)
    var part: CheckpointPart?
    while let (start, named) = prefixes.first(where: { bare.hasPrefix($0.start) }) {
      bare = bare.dropFirst(start.count)
      part = part ?? named
    }
    guard let part = part ?? unprefixed.first(where: { bare.hasPrefix($0.start) })?.part,
      !bare.isEmpty
    else { return nil }
    if part.isText, bare.hasPrefix(wrapper + "text_model.") { bare = bare.dropFirst(wrapper.count) }
    // kohya's keys have no points.
    let isDotted = key.contains(".")
    return (part, isDotted ? module(String(bare), part) : String(bare), isDotted)
  }

  /// A module's name as kohya has it, from those of diffusers and of its processors.
  private static func module(_ name: String, _ part: CheckpointPart) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if part.isText {
      let old = [
        "to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj",
      ]
      if let last = parts.last { parts[parts.count - 1] = old[last] ?? last }
    } else {
      parts.removeAll { $0 == "processor" }
      if parts.last == "to_out" { parts.append("0") }
    }
    return parts.joined(separator: "_")
  }

  private static let adds =
    "Heed adds LoRA, LoCon, LoHa, LoKr, DoRA and full differences of Stable Diffusion 1.x, 2.x and XL"

  /// The error about a LoRA for another model.
  static func refusal(
    _ path: String, _ model: LoRAArchitecture, _ found: String = ""
  ) -> DiffusionError {
    .notRunnable(
      path: path, what: "a LoRA for \(model.name), by \(model.sign)", advice: found + adds)
  }

  /// Other changes of weights that are shipped in files of the same kind: without them, the rest of the file
  /// would be another change than was trained.
  private static func refuseOtherKinds(_ file: SafetensorsFile) throws {
    for name in file.names {
      for (mark, kind) in [
        (".oft_", "OFT"), (".on_input", "IA3"), (".ia3_l", "IA3"), (".vera_lambda", "VeRA"),
        (".a1.weight", "GLoRA"), (".bias_indices", "a sparse difference"),
        (".lora_embedding_", "a LoRA of token embeddings"),
        ("_custom_diffusion", "Custom Diffusion"),
      ] where name.contains(mark) {
        throw DiffusionError.notRunnable(
          path: file.path, what: "\(kind), by \(FileError.quoted(name))", advice: adds)
      }
    }
  }
}

/// What peft's configuration says of scales: in the file's own notes, where diffusers keeps it, or beside the
/// file, where peft does.
private struct LoRAMetadata {
  private let json: JSONNode?
  /// The file beside the LoRA that was read.
  let path: String?

  init(_ file: SafetensorsFile) throws {
    if let text = file.metadata.first(where: { $0.key == "lora_adapter_metadata" })?.value {
      let name = file.path + ": lora_adapter_metadata"
      json = JSONNode(try StrictJSON.parse(Array(text.utf8), file: name), file: name)
      path = nil
      return
    }
    let beside = Checkpoint.folder(of: file.path) + "/adapter_config.json"
    let isPeft = file.path.hasSuffix("adapter_model.safetensors")
    path = isPeft && FileManager.default.fileExists(atPath: beside) ? beside : nil
    json = try path.map { try StrictJSON.read(path: $0) }
  }

  /// The module with its scale, after a check that all of its factors are there.
  func completing(_ module: LoRAFile.Module, _ file: SafetensorsFile) throws -> LoRAFile.Module {
    if let lacking = module.lacking {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(module.key), reason: lacking)
    }
    guard module.alpha == nil, module.isDotted else { return module }
    var module = module
    module.alpha = try alpha(module.part, module.name)
    module.isRankStabilized = try member("use_rslora", module.part)?.bool() ?? false
    if try member("use_dora", module.part)?.bool() ?? false, module.tensors[.magnitude] == nil {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(module.key),
        reason:
          "expected the magnitudes of DoRA, which the file's lora_adapter_metadata names, got none")
    }
    return module
  }

  private func member(_ key: String, _ part: CheckpointPart) throws -> JSONNode? {
    try json?.optionalMember(part.folder + "." + key) ?? json?.optionalMember(key)
  }

  /// The exception for a module, which peft names by the end of its path, or the rule.
  private func alpha(_ part: CheckpointPart, _ name: String) throws -> Double? {
    if let pattern = try member("alpha_pattern", part) {
      for key in try pattern.object().keys
      where ("_" + name).hasSuffix("_" + key.replacing(".", with: "_")) {
        return try finite(pattern.member(key))
      }
    }
    return try (member("lora_alpha", part) ?? member("alpha", part)).map(finite)
  }

  private func finite(_ node: JSONNode) throws -> Double {
    let number = try node.double()
    guard number.isFinite else { throw node.failure("expected a finite number, got \(number)") }
    return number
  }
}
