import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite("Models that Heed knows and does not run")
struct ModelKindTests {
  /// What opening a file of these tensors says, by name and shape.
  private func refusal(_ shapes: [(String, [Int])]) throws -> String {
    let path =
      FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(
      shapes.map { (name: $0.0, payload: .float32(.full(0, shape: $0.1))) }, to: path)
    do {
      _ = try Checkpoint(path)
      return "no error"
    } catch DiffusionError.notRunnable(let file, let what, let advice) {
      #expect(file == path)
      return what + "; " + advice
    } catch DiffusionError.wrongFile(let file, let what, let advice) {
      #expect(file == path)
      return what + "; " + advice
    }
  }

  @Test(
    "A single file of another model is named",
    arguments: [
      (
        "conditioner.embedders.1.model.positional_embedding",
        "a text encoder of Stable Diffusion XL, alone"
      ),
      ("conditioner.embedders.0.model.positional_embedding", "XL refiner"),
      ("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3"),
      ("model.diffusion_model.double_blocks.0.img_attn.proj.weight", "Flux"),
      ("double_blocks.0.img_attn.norm.key_norm.scale", "Flux"),
      ("control_model.time_embed.0.weight", "ControlNet"),
      ("controlnet_cond_embedding.conv_in.weight", "ControlNet"),
      ("clip_txt_mapper.weight", "Stable Cascade"),
      ("down_blocks.1.0.channelwise.0.weight", "Stable Cascade"),
      ("adaln_single.linear.weight", "PixArt"), ("encoder_hid_proj.weight", "Kandinsky"),
      ("noise_augmentor.data_mean", "unCLIP"), ("double_layers.0.attn.w1q.weight", "AuraFlow"),
      (
        "down_blocks.0.motion_modules.0.temporal_transformer.norm.weight",
        "AnimateDiff"
      ),
      ("image_proj.proj.weight", "IP-Adapter"), ("emb_params", "textual inversion"),
      ("concept_embeds", "safety checker"), ("lora_unet_x.lora_down.weight", "a LoRA"),
      ("unet.x.lora_A.weight", "a LoRA"), ("unet.x.processor.to_q_lora.down.weight", "a LoRA"),
      ("lora_unet_x.hada_w1_a", "a LoRA"), ("x.hada_w1_a", "a LoRA"),
      ("first_stage_model.encoder.conv_in.weight", "an autoencoder in the original layout, alone"),
      ("decoder.conv_in.weight", "an autoencoder, alone"),
      ("text_model.embeddings.token_embedding.weight", "a text encoder, alone"),
      ("down_blocks.0.resnets.0.norm1.weight", "a UNet in diffusers' layout, alone"),
      ("model.diffusion_model.out.0.weight", "a UNet in the original layout, alone"),
      ("colour", "an unknown model"),
    ])
  func marks(_ name: String, _ expected: String) throws {
    let said = try refusal([(name, [1])])
    #expect(said.contains(expected), "\(said)")
  }

  @Test(
    "A UNet of other input channels is named by what it is for",
    arguments: [
      (5, "depth"), (7, "upscaler"), (8, "InstructPix2Pix"), (9, "inpainting"), (6, "6 channels"),
    ])
  func channels(_ channels: Int, _ expected: String) throws {
    let said = try refusal([
      ("model.diffusion_model.input_blocks.0.0.weight", [4, channels, 3, 3])
    ])
    #expect(said.contains(expected) && said.contains("does not support"), "\(said)")
    let copy = try TemporaryCheckpoint()
    try copy.set("in_channels", String(channels), in: "unet/config.json")
    let folder = message { _ = try Checkpoint(copy.path) }
    #expect(folder.contains(expected) && folder.contains("unet/config.json"), "\(folder)")
  }

  @Test("A file that lacks one part says which")
  func lacking() throws {
    let unet = ("model.diffusion_model.input_blocks.0.0.weight", [4, 4, 3, 3])
    let vae = ("first_stage_model.encoder.conv_in.weight", [1])
    let text = ("cond_stage_model.transformer.text_model.x", [1])
    #expect(try refusal([unet, vae]).contains("without text encoder"))
    #expect(try refusal([unet, text]).contains("without autoencoder; give one by --vae"))
    #expect(try refusal([vae, text]).contains("without UNet"))
    #expect(
      try refusal([unet, vae, text, ("model.diffusion_model.label_emb.0.0.weight", [1])])
        .contains("unCLIP"))
  }

  @Test(
    "A folder whose parts Heed does not run is named by its pipeline",
    arguments: [
      ("StableDiffusionXLInpaintPipeline", "masks"),
      ("StableDiffusion3Pipeline", "Stable Diffusion 3"), ("FluxPipeline", "Flux"),
      ("StableDiffusionInpaintPipeline", "masks"), ("StableDiffusionDepth2ImgPipeline", "depth"),
      ("StableDiffusionInstructPix2PixPipeline", "second picture"),
      ("StableDiffusionUpscalePipeline", "low-resolution"), ("StableUnCLIPPipeline", "unCLIP"),
      ("StableDiffusionControlNetPipeline", "ControlNet"), ("KandinskyV22Pipeline", "Kandinsky"),
      ("PixArtAlphaPipeline", "PixArt"), ("StableCascadeDecoderPipeline", "Stable Cascade"),
    ])
  func pipelines(_ name: String, _ expected: String) throws {
    let copy = try TemporaryCheckpoint()
    try copy.set("_class_name", "\"\(name)\"", in: "model_index.json")
    try copy.set("encoder_hid_dim", "32", in: "unet/config.json")
    let said = message { _ = try Checkpoint(copy.path) }
    #expect(said.contains(name) && said.contains(expected) && said.contains("Heed runs"), "\(said)")
  }

  @Test("A part's own folder is named")
  func part() throws {
    let path = TemporaryCheckpoint.fixtures + "/tiny-sd1/unet"
    let said = message { _ = try Checkpoint(path) }
    #expect(said.contains("UNet") && said.contains("alone"), "\(said)")
  }

  @Test(
    "Pickled files are refused with the command that converts them, given or found",
    arguments: ["model.ckpt", "model.pt", "model.pth", "model.bin", "MODEL.CKPT"])
  func pickled(_ name: String) throws {
    let copy = try TemporaryCheckpoint(of: "single-sd1")
    try copy.remove("described.safetensors")
    try copy.write([0x80, 2], to: name)
    for path in [copy.path, copy.path + "/" + name] {
      let said = message { _ = try Checkpoint(path) }
      #expect(said.hasPrefix("\(copy.path)/\(name): a pickled file"), "\(said)")
      #expect(said.contains("python -c") && said.contains(".safetensors')"), "\(said)")
    }
  }
}
