internal import TensorEngine

/// The modules that a LoRA file changes, by whichever of its layouts' names.
///
/// - Reference: diffusers `loaders/lora_conversion_utils.py` and `utils/peft_utils.py`;
///   kohya-ss/sd-scripts `networks/lora.py`; KohakuBlueleaf/LyCORIS `lycoris/modules/locon.py`.
struct LoRAFile: Sendable {
  /// How a file calls a module.
  enum Name: Sendable, Equatable {
    /// As diffusers does, `down_blocks.0.attentions.0.proj_in`.
    case dotted(String)
    /// The same, or the original layout's name, with `_` for every point, as kohya does.
    case flat(String)
  }

  /// The change of one weight.
  struct Module: Sendable {
    /// What begins the module's names in the file.
    let key: String
    let part: CheckpointPart
    let name: Name
    /// Names of the factors: `[rank, in, …]`, `[out, rank, …]`, and between them `[rank, rank, …]`.
    var down: String?
    var up: String?
    var mid: String?
    /// What the product is multiplied with, times the rank; `nil` for the rank itself.
    var alpha: Double?
    /// Whether `alpha` is divided by the rank's root and not by the rank.
    var isRankStabilized = false
  }

  let file: SafetensorsFile
  let scale: Double
  let modules: [Module]

  /// Reads what the file changes, and no weights.
  ///
  /// - Throws: `FileError` for a damaged file or for names of no known layout,
  ///   ``DiffusionError/notRunnable(path:what:advice:)`` for another kind of change.
  init(_ lora: LoRA) throws {
    if PickledFile.isOne(lora.path) { throw PickledFile.refusal(lora.path) }
    file = try SafetensorsFile(path: lora.path)
    scale = lora.scale
    try Self.refuseOtherKinds(file)
    var modules: [Module] = []
    var positions: [String: Int] = [:]
    var unknown: [String] = []
    for entry in file.entries {
      guard let (key, role) = Self.split(entry.name), let (part, name) = Self.place(key) else {
        unknown.append(FileError.printable(entry.name))
        continue
      }
      let position = positions[key] ?? modules.count
      if position == modules.count {
        modules.append(Module(key: key, part: part, name: name))
        positions[key] = position
      }
      switch role {
      case .down: modules[position].down = entry.name
      case .up: modules[position].up = entry.name
      case .mid: modules[position].mid = entry.name
      case .alpha: modules[position].alpha = try Self.alpha(entry, file)
      }
    }
    guard unknown.isEmpty, !modules.isEmpty else {
      throw FileError(
        .malformed, path: file.path,
        reason: modules.isEmpty
          ? "expected a LoRA in the layout of diffusers or kohya, got none of its names"
          : "\(unknown.count) names belong to no known LoRA layout: " + Self.list(unknown))
    }
    let metadata = try LoRAMetadata(file)
    self.modules = try modules.map { [file] in try metadata.completing($0, file) }
  }

  /// Names for a message.
  static func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }

  private static func alpha(
    _ entry: SafetensorsFile.Entry, _ file: SafetensorsFile
  ) throws -> Double {
    guard entry.count == 1 else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(entry.name),
        reason: "expected one number, got the shape \(entry.shape)")
    }
    let isInteger = [.i64, .i32, .u8].contains(entry.type)
    let alpha =
      isInteger
      ? Double(try file.integers(entry.name)[0]) : Double(try file.tensor(entry.name).item)
    guard alpha.isFinite else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(entry.name),
        reason: "expected a finite number, got \(alpha)")
    }
    return alpha
  }
}

// MARK: - Names

extension LoRAFile {
  private enum Role {
    case down, up, mid, alpha
  }

  /// How the names of tensors end.
  private static let endings: [(String, Role)] = [
    (".lora_A.weight", .down), (".lora_B.weight", .up),
    (".lora_A.default.weight", .down), (".lora_B.default.weight", .up),
    (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
    (".lora.down.weight", .down), (".lora.up.weight", .up),
    ("_lora.down.weight", .down), ("_lora.up.weight", .up),
    (".lora_down.weight", .down), (".lora_up.weight", .up), (".lora_mid.weight", .mid),
    (".alpha", .alpha),
  ]

  private static func split(_ name: String) -> (key: String, role: Role)? {
    for (ending, role) in endings where name.hasSuffix(ending) {
      return (String(name.dropLast(ending.count)), role)
    }
    return nil
  }

  /// The part and the module that a key stands for.
  private static func place(_ key: String) -> (CheckpointPart, Name)? {
    for (start, part) in [
      ("lora_unet_", CheckpointPart.unet), ("lora_te_", .textEncoder), ("lora_te1_", .textEncoder),
    ] where key.hasPrefix(start) {
      return (part, .flat(String(key.dropFirst(start.count))))
    }
    let wrapper = "base_model.model."
    let bare = key.hasPrefix(wrapper) ? String(key.dropFirst(wrapper.count)) : key
    for part in [CheckpointPart.unet, .textEncoder] where bare.hasPrefix(part.folder + ".") {
      return (part, .dotted(module(String(bare.dropFirst(part.folder.count + 1)), part)))
    }
    // Files of the UNet's attention alone, as diffusers wrote them first, name no part.
    if ["down_blocks.", "mid_block.", "up_blocks."].contains(where: bare.hasPrefix) {
      return (.unet, .dotted(module(bare, .unet)))
    }
    if bare.hasPrefix("text_model.") { return (.textEncoder, .dotted(module(bare, .textEncoder))) }
    return nil
  }

  /// A module's name as the checkpoint has it, from those that diffusers' processors had.
  private static func module(_ name: String, _ part: CheckpointPart) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if part == .textEncoder {
      if parts.first == "text_model" { parts.removeFirst() }
      let old = [
        "to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj",
      ]
      if let last = parts.last { parts[parts.count - 1] = old[last] ?? last }
    } else {
      parts.removeAll { $0 == "processor" }
      if parts.last == "to_out" { parts.append("0") }
    }
    return parts.joined(separator: ".")
  }

  /// Other changes of weights that are shipped in files of the same kind, and other models' LoRAs.
  private static func refuseOtherKinds(_ file: SafetensorsFile) throws {
    func refuse(_ what: String) -> DiffusionError {
      .notRunnable(
        path: file.path, what: what,
        advice: "Heed adds LoRAs (LoCon included) of Stable Diffusion 1.x and 2.x")
    }
    for name in file.names {
      for (mark, kind) in [
        (".hada_", "LoHa"), (".lokr_", "LoKr"), (".dora_scale", "DoRA"),
        (".lora_magnitude_vector", "DoRA"), (".oft_", "OFT"), (".on_input", "IA3"),
        (".diff", "a LyCORIS full difference"),
      ] where name.contains(mark) {
        throw refuse("\(kind), by \(FileError.quoted(name))")
      }
      for (start, model) in [
        ("lora_te2_", "a LoRA for Stable Diffusion XL"),
        ("text_encoder_2.", "a LoRA for Stable Diffusion XL"),
        ("transformer.", "a LoRA for a diffusion transformer such as SD 3 or Flux"),
        ("lora_transformer_", "a LoRA for a diffusion transformer such as SD 3 or Flux"),
        ("lora_unet_double_blocks_", "a LoRA for Flux"),
        ("lora_unet_joint_blocks_", "a LoRA for Stable Diffusion 3"),
        ("lora_te3_", "a LoRA for Stable Diffusion 3"),
        ("lora_prior_", "a LoRA for Stable Cascade"),
      ] where name.hasPrefix(start) {
        throw refuse("\(model), by \(FileError.quoted(name))")
      }
    }
    if file.names.contains("emb_params") || file.names.contains("string_to_param.*") {
      throw refuse("a textual inversion embedding")
    }
  }
}

/// What peft's configuration says of scales, where diffusers kept it in the file's own notes.
private struct LoRAMetadata {
  private let json: JSONNode?

  init(_ file: SafetensorsFile) throws {
    let text = file.metadata.first { $0.key == "lora_adapter_metadata" }?.value
    json = try text.map { text in
      let name = file.path + ": lora_adapter_metadata"
      return JSONNode(try StrictJSON.parse(Array(text.utf8), file: name), file: name)
    }
  }

  /// The module with its scale, after a check that both of its factors are there.
  func completing(_ module: LoRAFile.Module, _ file: SafetensorsFile) throws -> LoRAFile.Module {
    guard module.down != nil, module.up != nil else {
      throw FileError(
        .malformed, path: file.path, subject: FileError.printable(module.key),
        reason: "expected both factors of a LoRA, got "
          + (module.down == nil && module.up == nil ? "none" : module.up == nil ? "down" : "up"))
    }
    guard module.alpha == nil, case .dotted(let name) = module.name else { return module }
    var module = module
    module.alpha = try alpha(module.part, name)
    module.isRankStabilized = try member("use_rslora", module.part)?.bool() ?? false
    if try member("use_dora", module.part)?.bool() ?? false {
      throw DiffusionError.notRunnable(
        path: file.path, what: "DoRA, by its metadata",
        advice: "Heed adds LoRAs (LoCon included) of Stable Diffusion 1.x and 2.x")
    }
    return module
  }

  private func member(_ key: String, _ part: CheckpointPart) throws -> JSONNode? {
    try json?.optionalMember(part.folder + "." + key) ?? json?.optionalMember(key)
  }

  /// The exception for a module, which peft names by the end of its path, or the rule.
  private func alpha(_ part: CheckpointPart, _ name: String) throws -> Double? {
    if let pattern = try member("alpha_pattern", part) {
      for key in try pattern.object().keys where ("." + name).hasSuffix("." + key) {
        return try finite(pattern.member(key))
      }
    }
    return try member("lora_alpha", part).map(finite)
  }

  private func finite(_ node: JSONNode) throws -> Double {
    let number = try node.double()
    guard number.isFinite else { throw node.failure("expected a finite number, got \(number)") }
    return number
  }
}
