internal import TensorEngine

/// The model that a LoRA was trained for, as far as its file tells.
///
/// - Reference: kohya-ss/sd-scripts `library/train_util.py`, `ss_base_model_version`; Stability's ModelSpec
///   1.0, `modelspec.architecture`; the widths of published text encoders.
struct LoRAArchitecture: Equatable {
  /// The model's name.
  let name: String
  /// What tells it, for a message.
  let sign: String
  let family: Family

  /// What a checkpoint must be for it.
  enum Family: Sendable {
    /// SD 1.x or 2.x, which widths tell apart.
    case oneEncoder
    case xl
    /// A model that Heed does not run.
    case other
  }

  /// Whether it is a checkpoint's.
  func fits(isXL: Bool) -> Bool { family == (isXL ? .xl : .oneEncoder) }

  /// What the file says by its notes, or by names that no other model has; `nil` where it says nothing known.
  static func stated(by file: SafetensorsFile) -> LoRAArchitecture? {
    for key in ["modelspec.architecture", "ss_base_model_version"] {
      guard let value = file.metadata.first(where: { $0.key == key })?.value else { continue }
      let text = value.lowercased()
      for (mark, name, family) in notes where text.contains(mark) {
        return LoRAArchitecture(
          name: name, sign: "\(key) \(FileError.quoted(value))", family: family)
      }
    }
    for (mark, name) in marks {
      guard let tensor = file.names.first(where: { $0.contains(mark) }) else { continue }
      return LoRAArchitecture(name: name, sign: FileError.quoted(tensor), family: .other)
    }
    // What diffusers calls the network of a diffusion transformer; CLIP's goes by it in the original layout.
    let transformer = file.names.first { name in
      let bare = name.hasPrefix("base_model.model.") ? String(name.dropFirst(17)) : name
      return bare.hasPrefix("transformer.") && !bare.hasPrefix("transformer.text_model.")
    }
    if let transformer {
      return LoRAArchitecture(
        name: "a diffusion transformer such as SD 3 or Flux", sign: FileError.quoted(transformer),
        family: .other)
    }
    // The other models' LoRAs have a second text encoder too.
    return file.names.first { name in xlMarks.contains { name.contains($0) } }.map {
      LoRAArchitecture(name: xl, sign: FileError.quoted($0), family: .xl)
    }
  }

  /// What the text's width in cross-attention says, `[…, width]` of keys and values, or the number of a
  /// block that only deeper transformers have.
  static func shaped(by modules: [LoRAFile.Module], of file: SafetensorsFile) -> LoRAArchitecture? {
    for module in modules where module.part == .unet && module.isOfText {
      guard let width = module.inputWidth(in: file),
        let (_, name, family) = widths.first(where: { $0.0 == width })
      else { continue }
      return LoRAArchitecture(
        name: name, sign: "the text's width \(width) in \(FileError.quoted(module.key))",
        family: family)
    }
    let deep = modules.first { $0.part == .unet && $0.name.contains("transformer_blocks_1_") }
    return deep.map {
      LoRAArchitecture(
        name: xl, sign: "the depth of \(FileError.quoted($0.key))", family: .xl)
    }
  }

  private static let xl = "Stable Diffusion XL"

  private static let notes: [(mark: String, name: String, family: Family)] = [
    ("refiner", "the Stable Diffusion XL refiner", .other), ("xl", xl, .xl),
    ("stable-diffusion-3", "Stable Diffusion 3", .other),
    ("sd3", "Stable Diffusion 3", .other), ("flux", "Flux", .other), ("chroma", "Chroma", .other),
    ("cascade", "Stable Cascade", .other), ("hunyuan", "a Hunyuan model", .other),
    ("lumina", "Lumina", .other), ("wan", "Wan", .other), ("qwen", "Qwen-Image", .other),
    ("pixart", "PixArt", .other), ("aura", "AuraFlow", .other), ("kolors", "Kolors", .other),
    ("hidream", "HiDream", .other), ("ltx", "LTX Video", .other), ("sana", "Sana", .other),
    ("stable-diffusion-v1", "Stable Diffusion 1.x", .oneEncoder),
    ("sd_v1", "Stable Diffusion 1.x", .oneEncoder), ("sd1", "Stable Diffusion 1.x", .oneEncoder),
    ("stable-diffusion-v2", "Stable Diffusion 2.x", .oneEncoder),
    ("sd_v2", "Stable Diffusion 2.x", .oneEncoder), ("sd2", "Stable Diffusion 2.x", .oneEncoder),
  ]

  private static let marks: [(mark: String, name: String)] = [
    ("lora_te3_", "Stable Diffusion 3"),
    ("joint_blocks", "Stable Diffusion 3"), ("double_blocks", "Flux"), ("single_blocks", "Flux"),
    ("single_transformer_blocks", "Flux"), ("lora_prior_", "Stable Cascade"),
    ("motion_modules", "AnimateDiff"), ("temporal_transformer", "AnimateDiff"),
    ("lora_transformer_", "a diffusion transformer such as SD 3 or Flux"),
    ("diffusion_model.blocks.", "a diffusion transformer such as Wan"),
    ("diffusion_model.layers.", "a diffusion transformer such as Lumina"),
  ]

  private static let xlMarks = [
    "lora_te2_", "text_encoder_2.", "text_encoders.clip_g.", "_add_embedding_",
    "lora_unet_label_emb_",
  ]

  private static let widths: [(Int, String, family: Family)] = [
    (768, "Stable Diffusion 1.x", .oneEncoder), (1024, "Stable Diffusion 2.x", .oneEncoder),
    (1280, "the Stable Diffusion XL refiner", .other), (2048, xl, .xl),
    (4096, "a model with the T5 text encoder", .other),
  ]
}
