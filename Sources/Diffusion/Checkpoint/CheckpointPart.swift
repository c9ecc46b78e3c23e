/// A part of a checkpoint that has weights of its own.
package enum CheckpointPart: CaseIterable, Sendable {
  case unet
  case vae
  case textEncoder
  /// OpenCLIP's, which SDXL has besides CLIP's.
  case secondTextEncoder

  /// The parts of a checkpoint.
  static func parts(isXL: Bool) -> [CheckpointPart] {
    allCases.filter { isXL || $0 != .secondTextEncoder }
  }

  /// Whether the part reads texts.
  var isText: Bool { self == .textEncoder || self == .secondTextEncoder }

  /// The part's folder in diffusers' layout, which also begins its names in LoRA files.
  package var folder: String {
    switch self {
    case .unet: "unet"
    case .vae: "vae"
    case .textEncoder: "text_encoder"
    case .secondTextEncoder: "text_encoder_2"
    }
  }

  /// What diffusers and transformers call the part's weights, without the ending.
  var stem: String {
    switch self {
    case .unet, .vae: "diffusion_pytorch_model"
    case .textEncoder, .secondTextEncoder: "model"
    }
  }

  /// What begins the part's names in a single file of the original layout.
  var originalPrefix: String {
    switch self {
    case .unet: "model.diffusion_model."
    case .vae: "first_stage_model."
    case .textEncoder: "cond_stage_model."
    case .secondTextEncoder: "conditioner.embedders.1."
    }
  }

  /// What begins them instead in some files.
  var otherPrefix: String? { self == .vae ? "vae." : nil }

  /// What the part is, for a message.
  var title: String {
    switch self {
    case .unet: "UNet"
    case .vae: "autoencoder"
    case .textEncoder: "text encoder"
    case .secondTextEncoder: "second text encoder"
    }
  }
}
