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
  /// Whether Heed runs that model.
  let isRunnable: Bool

  /// What the file says by its notes, or by names that no other model has; `nil` where it says nothing known.
  static func stated(by file: SafetensorsFile) -> LoRAArchitecture? {
    for key in ["modelspec.architecture", "ss_base_model_version"] {
      guard let value = file.metadata.first(where: { $0.key == key })?.value else { continue }
      let text = value.lowercased()
      for (mark, name, isRunnable) in notes where text.contains(mark) {
        return LoRAArchitecture(
          name: name, sign: "\(key) \(FileError.quoted(value))", isRunnable: isRunnable)
      }
    }
    for (mark, name) in marks {
      guard let tensor = file.names.first(where: { $0.contains(mark) }) else { continue }
      return LoRAArchitecture(name: name, sign: FileError.quoted(tensor), isRunnable: false)
    }
    // What diffusers calls the network of a diffusion transformer; CLIP's goes by it in the original layout.
    let transformer = file.names.first { name in
      let bare = name.hasPrefix("base_model.model.") ? String(name.dropFirst(17)) : name
      return bare.hasPrefix("transformer.") && !bare.hasPrefix("transformer.text_model.")
    }
    return transformer.map {
      LoRAArchitecture(
        name: "a diffusion transformer such as SD 3 or Flux", sign: FileError.quoted($0),
        isRunnable: false)
    }
  }

  /// What the text's width in cross-attention says, `[…, width]` of keys and values, or the number of a
  /// block that only deeper transformers have.
  static func shaped(by modules: [LoRAFile.Module], of file: SafetensorsFile) -> LoRAArchitecture? {
    for module in modules where module.part == .unet && module.isOfText {
      guard let width = module.inputWidth(in: file),
        let (_, name, isRunnable) = widths.first(where: { $0.0 == width })
      else { continue }
      return LoRAArchitecture(
        name: name, sign: "the text's width \(width) in \(FileError.quoted(module.key))",
        isRunnable: isRunnable)
    }
    let deep = modules.first { $0.part == .unet && $0.name.contains("transformer_blocks_1_") }
    return deep.map {
      LoRAArchitecture(
        name: "Stable Diffusion XL", sign: "the depth of \(FileError.quoted($0.key))",
        isRunnable: false)
    }
  }

  private static let notes: [(mark: String, name: String, isRunnable: Bool)] = [
    ("xl", "Stable Diffusion XL", false), ("stable-diffusion-3", "Stable Diffusion 3", false),
    ("sd3", "Stable Diffusion 3", false), ("flux", "Flux", false), ("chroma", "Chroma", false),
    ("cascade", "Stable Cascade", false), ("hunyuan", "a Hunyuan model", false),
    ("lumina", "Lumina", false), ("wan", "Wan", false), ("qwen", "Qwen-Image", false),
    ("pixart", "PixArt", false), ("aura", "AuraFlow", false), ("kolors", "Kolors", false),
    ("hidream", "HiDream", false), ("ltx", "LTX Video", false), ("sana", "Sana", false),
    ("stable-diffusion-v1", "Stable Diffusion 1.x", true),
    ("sd_v1", "Stable Diffusion 1.x", true), ("sd1", "Stable Diffusion 1.x", true),
    ("stable-diffusion-v2", "Stable Diffusion 2.x", true),
    ("sd_v2", "Stable Diffusion 2.x", true), ("sd2", "Stable Diffusion 2.x", true),
  ]

  private static let marks: [(mark: String, name: String)] = [
    ("lora_te2_", "Stable Diffusion XL"), ("text_encoder_2.", "Stable Diffusion XL"),
    ("text_encoders.clip_g.", "Stable Diffusion XL"), ("_add_embedding_", "Stable Diffusion XL"),
    ("lora_unet_label_emb_", "Stable Diffusion XL"), ("lora_te3_", "Stable Diffusion 3"),
    ("joint_blocks", "Stable Diffusion 3"), ("double_blocks", "Flux"), ("single_blocks", "Flux"),
    ("single_transformer_blocks", "Flux"), ("lora_prior_", "Stable Cascade"),
    ("motion_modules", "AnimateDiff"), ("temporal_transformer", "AnimateDiff"),
    ("lora_transformer_", "a diffusion transformer such as SD 3 or Flux"),
    ("diffusion_model.blocks.", "a diffusion transformer such as Wan"),
    ("diffusion_model.layers.", "a diffusion transformer such as Lumina"),
  ]

  private static let widths: [(Int, String, isRunnable: Bool)] = [
    (768, "Stable Diffusion 1.x", true), (1024, "Stable Diffusion 2.x", true),
    (1280, "the Stable Diffusion XL refiner", false), (2048, "Stable Diffusion XL", false),
    (4096, "a model with the T5 text encoder", false),
  ]
}
