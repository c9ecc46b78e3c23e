private import Foundation
internal import TensorEngine

/// A kind of file or model that Heed recognises and does not run: what it is, and what it would take.
///
/// It is judged only when something that a checkpoint needs is missing: a complete checkpoint runs, whatever
/// lies beside its parts.
///
/// - Reference: diffusers `loaders/single_file_utils.py`, `CHECKPOINT_KEY_NAMES` and
///   `infer_diffusers_model_type`, for the names that tell kinds apart; `pipelines/` for classes.
struct ModelKind: Sendable {
  let name: String
  /// What Heed lacks for it, or what to do.
  let advice: String
  /// Whether it is no model that makes pictures, but something that was given in the place of one.
  private let isOther: Bool

  private init(_ name: String, lacks: String) {
    self.name = name
    advice = "Heed runs Stable Diffusion 1.x, 2.x and XL, and does not support \(lacks)"
    isOther = false
  }

  private init(_ name: String, do advice: String) {
    self.name = name
    self.advice = advice
    isOther = true
  }

  /// The error about a file of this kind.
  func refusal(_ path: String) -> DiffusionError {
    isOther
      ? .wrongFile(path: path, what: name, advice: advice)
      : .notRunnable(path: path, what: name, advice: advice)
  }
}

// MARK: - Kinds

extension ModelKind {
  private static let transformer = "diffusion transformers"
  private static let refiner = ModelKind(
    "the Stable Diffusion XL refiner", lacks: "its conditioning on scores")
  private static let sd3 = ModelKind(
    "Stable Diffusion 3 or 3.5", lacks: "\(transformer) and the T5 text encoder")
  private static let flux = ModelKind("Flux", lacks: "\(transformer) and the T5 text encoder")
  private static let cascade = ModelKind(
    "Stable Cascade", lacks: "its three stages and its autoencoder")
  private static let unCLIP = ModelKind(
    "Stable unCLIP", lacks: "conditioning on image embeddings")
  private static let controlNet = ModelKind("a ControlNet", lacks: "control of a UNet from outside")
  private static let inpainting = ModelKind(
    "an inpainting checkpoint (UNet of 9 channels)", lacks: "masks and masked pictures as input")
  private static let depth = ModelKind(
    "a depth-to-image checkpoint (UNet of 5 channels)", lacks: "depth as input")
  private static let instruct = ModelKind(
    "an InstructPix2Pix checkpoint (UNet of 8 channels)", lacks: "a second picture as input")
  private static let upscaler = ModelKind(
    "an upscaler (UNet of 7 channels)", lacks: "a low-resolution picture as input")
  private static let video = ModelKind("a video model", lacks: "layers over time")

  private static func transformer(_ name: String) -> ModelKind {
    ModelKind(name, lacks: transformer)
  }

  /// Kinds by a piece of a tensor's name; the first that is there decides.
  private static let marks: [(mark: String, kind: ModelKind)] = [
    ("conditioner.embedders.0.model.", refiner),
    ("control_model.", controlNet), ("controlnet_cond_embedding.", controlNet),
    ("input_hint_block.", controlNet), ("control_layers.", controlNet),
    (
      "motion_modules.",
      ModelKind("an AnimateDiff motion module", lacks: "layers over time")
    ),
    ("time_stack.", video), ("time_mixer.", video), ("temporal_transformer_blocks.", video),
    ("joint_blocks.", sd3), ("individual_token_refiner.", transformer("HunyuanVideo")),
    ("distilled_guidance_layer.", transformer("Chroma")),
    ("double_blocks.", flux), ("single_transformer_blocks.", flux), ("context_embedder.", sd3),
    ("double_stream_blocks.", transformer("HiDream")),
    ("double_layers.", transformer("AuraFlow")), ("clip_txt_mapper.", cascade),
    ("channelwise.", cascade), ("patchify_proj.", transformer("LTX Video")),
    ("attn.qkv_x.", transformer("Mochi")), ("cross_attn.q_linear.", transformer("PixArt or Sana")),
    ("adaln_single.", transformer("PixArt")), ("mlp_t5.", transformer("Hunyuan-DiT")),
    ("cap_embedder.", transformer("Lumina")), ("head.modulation", transformer("Wan")),
    ("net.x_embedder.", transformer("Cosmos")), ("txt_norm.", transformer("Qwen-Image")),
    ("noise_augmentor.", unCLIP), ("embedder.model.visual.", unCLIP),
    ("encoder_hid_proj.", ModelKind("Kandinsky", lacks: "conditioning on image embeddings")),
    ("image_proj.", ModelKind("an IP-Adapter", lacks: "conditioning on pictures")),
    ("ip_adapter.", ModelKind("an IP-Adapter", lacks: "conditioning on pictures")),
    ("position_net.", ModelKind("GLIGEN", lacks: "conditioning on boxes")),
    ("cond_stage_model.roberta.", ModelKind("AltDiffusion", lacks: "its text encoder")),
    (
      "cond_stage_model.transformer.token_emb.",
      ModelKind("the first latent diffusion model of CompVis", lacks: "its text encoder")
    ),
    ("concept_embeds", ModelKind("a safety checker", do: "it does not make pictures")),
  ]

  private static let embedding = ModelKind(
    "a textual inversion embedding, which is a word and no model",
    do: "give it by --embedding, beside a checkpoint")

  private static let lora = ModelKind(
    "a LoRA, which changes a model and is none", do: "add it to a checkpoint by --lora")

  /// Changes of weights, by a piece of a tensor's name.
  private static let changes = [
    "lora_", ".lora.", "_lora.", ".hada_w", ".lokr_", ".oft_", ".dora_scale", ".diff_b",
  ]

  private static let bare = "give the folder of the whole checkpoint, or a file of all parts"
  private static let orUNet = bare + "; beside a checkpoint of its kind give it by --unet"
  private static let beside = "give it by --vae, beside a checkpoint"
  private static let parts: [(mark: String, kind: ModelKind)] = [
    ("model.diffusion_model.", ModelKind("a UNet in the original layout, alone", do: orUNet)),
    (
      "first_stage_model.",
      ModelKind("an autoencoder in the original layout, alone", do: beside)
    ),
    ("cond_stage_model.", ModelKind("a text encoder in the original layout, alone", do: bare)),
    ("conditioner.", ModelKind("a text encoder of Stable Diffusion XL, alone", do: bare)),
    ("down_blocks.", ModelKind("a UNet in diffusers' layout, alone", do: orUNet)),
    ("input_blocks.", ModelKind("a UNet in the original layout, alone", do: orUNet)),
    ("decoder.", ModelKind("an autoencoder, alone", do: beside)),
    ("text_model.", ModelKind("a text encoder, alone", do: bare)),
    ("embeddings.token_embedding.", ModelKind("a text encoder, alone", do: bare)),
    ("resblocks.", ModelKind("a text encoder of OpenCLIP, alone", do: bare)),
  ]

  /// What a UNet is whose first convolution takes more than a latent, by its channels.
  static func unet(channels: Int) -> ModelKind? {
    switch channels {
    case 4: nil
    case 5: depth
    case 7: upscaler
    case 8: instruct
    case 9: inpainting
    default: ModelKind("a UNet of \(channels) channels", lacks: "latents of other than 4 channels")
    }
  }
}

// MARK: - Files

extension ModelKind {
  /// What takes a whole text and sizes in SDXL, and a picture in Stable unCLIP.
  private static let sizes = "label_emb."

  /// What a UNet has for an input that Heed does not give it: it would compute without it, and wrongly.
  private static let inputs: [(mark: String, kind: ModelKind)] = [
    (sizes, unCLIP), ("time_stack.", video),
    ("time_mixer.", video),
  ]

  /// Tensors that stand beside the parts of a whole SDXL and say that it was trained to another schedule.
  ///
  /// - Reference: ComfyUI `comfy/supported_models.py`, `SDXL.model_type`.
  private static let schedules: [(name: String, kind: ModelKind)] = [
    ("edm_mean", ModelKind("Playground 2.5", lacks: "its EDM schedule")),
    ("edm_vpred.sigma_max", ModelKind("CosXL", lacks: "its EDM schedule")),
  ]

  /// Refuses a single file that is not a checkpoint of Stable Diffusion 1.x, 2.x or XL with all of `parts`.
  /// - Throws: ``DiffusionError``.
  static func requireRunnable(_ shapes: OriginalShapes, _ parts: [CheckpointPart]) throws {
    let (file, names) = (shapes.file, shapes.file.names)
    func first(_ kinds: [(mark: String, kind: ModelKind)]) -> ModelKind? {
      kinds.first { mark, _ in names.contains { $0.contains(mark) } }?.kind
    }
    let lacking = parts.filter { part in
      !names.contains { $0.hasPrefix(shapes.prefix(part)) }
    }
    if !lacking.isEmpty, let kind = offered(file) ?? first(marks) {
      throw kind.refusal(file.path)
    }
    let root = shapes.prefix(.unet)
    let input = file.entry(root + "input_blocks.0.0.weight")
    if let input, input.shape.count == 4, let kind = unet(channels: input.shape[1]) {
      throw kind.refusal(file.path)
    }
    for (mark, kind) in inputs
    where (mark != sizes || lacking.isEmpty && shapes.family != .xl)
      && names.contains(where: { $0.hasPrefix(root + mark) })
    {
      throw kind.refusal(file.path)
    }
    if let kind = schedules.first(where: { file.entry($0.name) != nil })?.kind {
      throw kind.refusal(file.path)
    }
    if lacking.isEmpty { return }
    if lacking.count == 1, let part = lacking.first {
      throw ModelKind(
        "a checkpoint in the original layout without \(part.title)",
        do: part == .vae ? "give one by --vae, or a file of all parts" : bare
      ).refusal(file.path)
    }
    throw
      (first(ModelKind.parts)
      ?? ModelKind("an unknown model", do: "expected Stable Diffusion 1.x, 2.x or XL"))
      .refusal(file.path)
  }

  /// What a file is that is given beside a checkpoint: a LoRA or an embedding; `nil` for another.
  static func offered(_ file: SafetensorsFile) -> ModelKind? {
    if file.names.contains(where: { name in changes.contains { name.contains($0) } }) {
      return lora
    }
    return isEmbedding(file) ? embedding : nil
  }

  /// What a file is that was given as a LoRA and has no name of one; `nil` for what is not known.
  static func insteadOfLoRA(_ file: SafetensorsFile) -> ModelKind? {
    if isEmbedding(file) { return embedding }
    func has(_ start: String) -> Bool { file.names.contains { $0.hasPrefix(start) } }
    if has(CheckpointPart.unet.originalPrefix) || has("conditioner.") {
      return ModelKind("a whole checkpoint, not a LoRA", do: "give it by --model")
    }
    return (marks + parts).first { mark, _ in file.names.contains { $0.contains(mark) } }?.kind
  }

  /// What a file is that was given as a UNet and has none.
  static func insteadOfUNet(_ file: SafetensorsFile) -> ModelKind {
    let kind =
      offered(file)
      ?? (marks + parts).first { mark, _ in file.names.contains { $0.contains(mark) } }?.kind
    return kind
      ?? ModelKind(
        "no UNet, by its tensors' names",
        do: "expected one in diffusers' layout or in the original one")
  }

  /// What a file is that was given as an autoencoder and has none.
  static func insteadOfVAE(_ file: SafetensorsFile) -> ModelKind {
    let kind =
      offered(file) ?? marks.first { mark, _ in file.names.contains { $0.contains(mark) } }?.kind
    return kind
      ?? ModelKind(
        "no autoencoder, by its tensors' names",
        do: "expected one in the original layout or in diffusers'")
  }

  /// Whether a file holds the vectors of words alone, in the layout of the web UI, or in diffusers', whose
  /// one tensor bears the word as its name.
  private static func isEmbedding(_ file: SafetensorsFile) -> Bool {
    if file.names.contains("emb_params") || file.names.contains("string_to_param.*") { return true }
    return (1...2).contains(file.entries.count)
      && file.entries.allSatisfy {
        // A layer's name has dots; a word seldom does, and is wide.
        (1...2).contains($0.shape.count)
          && ([768, 1024, 1280].contains($0.shape.last)
            || !$0.name.contains(".") && ($0.shape.last ?? 0) >= 16)
          && !$0.name.hasSuffix(".weight") && !$0.name.hasSuffix(".bias")
      }
  }
}

// MARK: - Folders

extension ModelKind {
  /// Kinds by a piece of the name of diffusers' class; the first that is in it decides.
  private static let classes: [(mark: String, kind: ModelKind)] = [
    ("StableDiffusion3", sd3), ("SD3", sd3), ("ControlNet", controlNet),
    ("UnCLIP", unCLIP), ("Inpaint", inpainting), ("Depth2Img", depth),
    ("InstructPix2Pix", instruct), ("Upscale", upscaler), ("Cascade", cascade),
    ("Wuerstchen", cascade), ("Flux", flux), ("Chroma", transformer("Chroma")),
    ("PixArt", transformer("PixArt")), ("Sana", transformer("Sana")),
    ("Hunyuan", transformer("a Hunyuan model")), ("AuraFlow", transformer("AuraFlow")),
    ("Lumina", transformer("Lumina")), ("QwenImage", transformer("Qwen-Image")),
    ("HiDream", transformer("HiDream")), ("Bria", transformer("Bria")),
    ("CogView", transformer("CogView")), ("DiT", transformer("a diffusion transformer")),
    ("Kandinsky", ModelKind("Kandinsky", lacks: "conditioning on image embeddings")),
    ("Kolors", ModelKind("Kolors", lacks: "its text encoder")),
    ("IFPipeline", ModelKind("DeepFloyd IF", lacks: "diffusion of pixels and the T5 encoder")),
    ("AltDiffusion", ModelKind("AltDiffusion", lacks: "its text encoder")),
    ("GLIGEN", ModelKind("GLIGEN", lacks: "conditioning on boxes")),
    ("LDM3D", ModelKind("LDM3D", lacks: "pictures with depth")),
    ("AnimateDiff", video), ("Video", video), ("Wan", video), ("Mochi", video), ("LTX", video),
    ("Cosmos", video), ("Allegro", video),
  ]

  /// Names the kind of a folder whose parts are not those of a checkpoint that Heed runs, by the class that
  /// its `model_index.json` or its own `config.json` names.
  ///
  /// - Parameter body: reads the parts. Pipelines save the same parts under names of their own, so that the
  ///   name only says what an error of the parts comes from.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)``, or what `body` throws.
  static func naming<Result>(_ folder: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      for file in ["model_index.json", "config.json"].map({ folder + "/" + $0 }) {
        guard let name = try? StrictJSON.read(path: file).optionalMember("_class_name")?.string(),
          let kind = classes.first(where: { name.contains($0.mark) })?.kind
        else { continue }
        throw DiffusionError.notRunnable(
          path: file, what: "_class_name is \(name), \(kind.name)",
          advice: kind.advice + " (\(error))")
      }
      throw error
    }
  }

  /// Refuses the refiner, which of SDXL's two text encoders has the second.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)``.
  static func requireFirstTextEncoder(_ unet: UNetConfiguration, folder: String) throws {
    func has(_ part: CheckpointPart) -> Bool {
      FileManager.default.fileExists(atPath: "\(folder)/\(part.folder)/config.json")
    }
    guard unet.added != nil, has(.secondTextEncoder), !has(.textEncoder) else { return }
    throw refiner.refusal(folder)
  }

  /// Refuses a UNet whose first convolution takes more than a latent.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)``.
  static func requireRunnable(channels: Int, path: String) throws {
    if let kind = unet(channels: channels) {
      throw DiffusionError.notRunnable(
        path: path, what: "in_channels is \(channels), \(kind.name)", advice: kind.advice)
    }
  }
}
