private import Foundation
internal import TensorEngine

/// A kind of model that Heed recognises and does not run: what it is, and what it would take.
///
/// - Reference: diffusers `loaders/single_file_utils.py`, `CHECKPOINT_KEY_NAMES` and
///   `infer_diffusers_model_type`, for the names that tell kinds apart; `pipelines/` for classes.
struct ModelKind: Sendable {
  let name: String
  /// What Heed lacks for it, or what to do.
  let advice: String

  private init(_ name: String, lacks: String) {
    self.name = name
    advice = "Heed runs Stable Diffusion 1.x and 2.x, and does not support \(lacks)"
  }

  private init(_ name: String, do advice: String) {
    self.name = name
    self.advice = advice
  }

  private func refusal(_ path: String) -> DiffusionError {
    .notRunnable(path: path, what: name, advice: advice)
  }
}

// MARK: - Kinds

extension ModelKind {
  private static let transformer = "diffusion transformers"
  private static let sdxl = ModelKind(
    "Stable Diffusion XL", lacks: "its second text encoder and its conditioning on sizes")
  private static let refiner = ModelKind(
    "the Stable Diffusion XL refiner", lacks: "its text encoder and its conditioning on scores")
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
    ("conditioner.embedders.1.", sdxl), ("conditioner.embedders.0.model.", refiner),
    ("conditioner.embedders.0.transformer.", sdxl),
    ("add_embedding.linear_1.", sdxl),
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
    ("edm_mean", ModelKind("Playground 2.5", lacks: "what Stable Diffusion XL needs")),
    ("cond_stage_model.roberta.", ModelKind("AltDiffusion", lacks: "its text encoder")),
    (
      "cond_stage_model.transformer.token_emb.",
      ModelKind("the first latent diffusion model of CompVis", lacks: "its text encoder")
    ),
    ("concept_embeds", ModelKind("a safety checker", do: "it does not make pictures")),
    (
      "emb_params",
      ModelKind("a textual inversion embedding", lacks: "tokens that are added to a prompt")
    ),
  ]

  /// Changes of weights and bare parts, by a piece of a tensor's name.
  private static let fragments: [(mark: String, kind: ModelKind)] = [
    ("lora_", ModelKind("a LoRA", do: "add it to a checkpoint as one of its LoRAs")),
    (".lora.", ModelKind("a LoRA", do: "add it to a checkpoint as one of its LoRAs")),
    ("_lora.", ModelKind("a LoRA", do: "add it to a checkpoint as one of its LoRAs")),
    ("hada_w", ModelKind("a LoHa", lacks: "this kind of change to weights")),
    ("lokr_", ModelKind("a LoKr", lacks: "this kind of change to weights")),
  ]

  private static let bare = "give the folder of the whole checkpoint, or a file of all parts"
  private static let parts: [(mark: String, kind: ModelKind)] = [
    ("model.diffusion_model.", ModelKind("a UNet in the original layout, alone", do: bare)),
    ("first_stage_model.", ModelKind("an autoencoder in the original layout, alone", do: bare)),
    ("cond_stage_model.", ModelKind("a text encoder in the original layout, alone", do: bare)),
    ("down_blocks.", ModelKind("a UNet in diffusers' layout, alone", do: bare)),
    ("input_blocks.", ModelKind("a UNet in the original layout, alone", do: bare)),
    ("decoder.", ModelKind("an autoencoder, alone", do: bare)),
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
  /// Refuses a single file that is not a whole checkpoint of Stable Diffusion 1.x or 2.x.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)``.
  static func requireRunnable(_ file: SafetensorsFile) throws {
    let names = file.names
    func first(_ kinds: [(mark: String, kind: ModelKind)]) -> ModelKind? {
      kinds.first { mark, _ in names.contains { $0.contains(mark) } }?.kind
    }
    if let kind = first(fragments) ?? first(marks) { throw kind.refusal(file.path) }
    let input = file.entry(CheckpointPart.unet.originalPrefix + "input_blocks.0.0.weight")
    if let input, input.shape.count == 4, let kind = unet(channels: input.shape[1]) {
      throw kind.refusal(file.path)
    }
    if names.contains(where: { $0.contains("label_emb.") }) { throw unCLIP.refusal(file.path) }
    let lacking = CheckpointPart.allCases.filter { part in
      !names.contains { $0.hasPrefix(part.originalPrefix) }
    }
    if lacking.isEmpty { return }
    if lacking.count == 1, let part = lacking.first {
      throw ModelKind(
        "a checkpoint in the original layout without \(part.title)", do: bare
      ).refusal(file.path)
    }
    throw
      (first(parts)
      ?? ModelKind("an unknown model", do: "expected Stable Diffusion 1.x or 2.x"))
      .refusal(file.path)
  }
}

// MARK: - Folders

extension ModelKind {
  /// Pipelines whose weights are those of a plain checkpoint.
  private static let runnable: Set<String> = [
    "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionPipelineSafe",
    "StableDiffusionAttendAndExcitePipeline", "StableDiffusionPanoramaPipeline",
    "StableDiffusionSAGPipeline", "StableDiffusionDiffEditPipeline",
    "StableDiffusionKDiffusionPipeline", "StableDiffusionParadigmsPipeline",
    "StableDiffusionPix2PixZeroPipeline", "StableDiffusionModelEditingPipeline",
    "CycleDiffusionPipeline",
  ]

  /// Kinds by a piece of the name of diffusers' class; the first that is in it decides.
  private static let classes: [(mark: String, kind: ModelKind)] = [
    ("XL", sdxl), ("StableDiffusion3", sd3), ("SD3", sd3), ("ControlNet", controlNet),
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
    (
      "LatentConsistency",
      ModelKind("a latent consistency model", lacks: "guidance as an input of the UNet")
    ),
    ("GLIGEN", ModelKind("GLIGEN", lacks: "conditioning on boxes")),
    ("LDM3D", ModelKind("LDM3D", lacks: "pictures with depth")),
    ("AnimateDiff", video), ("Video", video), ("Wan", video), ("Mochi", video), ("LTX", video),
    ("Cosmos", video), ("Allegro", video),
  ]

  /// Refuses a checkpoint's folder by the class that its `model_index.json` names.
  /// - Throws: ``DiffusionError/notRunnable(path:what:advice:)``.
  static func requireRunnable(className: String, path: String) throws {
    if runnable.contains(className) { return }
    let kind =
      classes.first { className.contains($0.mark) }?.kind
      ?? ModelKind("another model", lacks: "what it is made of")
    throw DiffusionError.notRunnable(
      path: path, what: "_class_name is \(className), \(kind.name)", advice: kind.advice)
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
