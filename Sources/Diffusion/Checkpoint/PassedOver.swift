internal import TensorEngine

/// What lies in a checkpoint's files besides a complete model, counted by what it is.
///
/// Nothing of it changes what the model computes, so that it is named and no error.
struct PassedOver {
  private enum Kind: CaseIterable {
    case positions, schedule, average, training, clip, safety, control, text, motion, change,
      embedding, precision, unknown

    /// What it is, in words.
    var title: String {
      switch self {
      case .positions: "position_ids"
      case .schedule: "of a noise schedule"
      case .average: "of averaged weights (EMA)"
      case .training: "left over from training"
      case .clip: "of CLIP that the text encoder does not use"
      case .safety: "of a safety checker"
      case .control: "of a ControlNet"
      case .text: "of another text encoder"
      case .motion: "of a motion module"
      case .change: "of a LoRA"
      case .embedding: "of an embedding"
      case .precision: "of 8-bit arithmetic"
      case .unknown: "of unknown use"
      }
    }

    /// Pieces of the names of its tensors.
    var marks: [String] {
      switch self {
      case .positions: ["position_ids"]
      case .schedule:
        ["betas", "alphas_", "one_minus_", "recip", "posterior_", "sigmas", "log_one"]
      case .average: ["model_ema", "ema_model.", "_ema."]
      case .training:
        [
          "global_step", "epoch", "optimizer", "loss.", "lvlb_weights", "logvar", "scale_factor",
          "discriminator", "num_batches_tracked",
        ]
      case .clip:
        [
          "logit_scale", "text_projection", "attn_mask", "vision_model.", ".visual",
          "visual_projection",
        ]
      case .safety: ["safety_checker", "concept_embeds", "special_care_embeds"]
      case .control: ["control_model.", "controlnet", "control_net", "input_hint_block."]
      case .text:
        ["text_encoder_2", "text_encoder_3", "text_encoders.", "conditioner.", "clip_g.", "t5xxl"]
      case .motion: ["motion_modules."]
      case .change: ["lora_", ".lora.", "hada_", "lokr_"]
      case .embedding: ["emb_params", "string_to_param"]
      case .precision: ["scaled_fp8", "scale_input", "input_scale", "scale_output", "comfy_quant"]
      case .unknown: []
      }
    }

    init(_ name: String) {
      self = Self.allCases.first { kind in kind.marks.contains { name.contains($0) } } ?? .unknown
    }
  }

  private var names: [Kind: [String]] = [:]
  private var layers: [String] = []
  private var folders: [String] = []

  /// Adds a tensor by its name in a file.
  mutating func add(_ name: String) {
    let isLayer = ["encoder.layers.", ".resblocks."].contains { name.contains($0) }
    if isLayer, Kind(name) == .unknown {
      layers.append(name)
    } else {
      names[Kind(name), default: []].append(name)
    }
  }

  /// Adds the folder of a part that the model does not use.
  mutating func add(folder: String) { folders.append(folder + "/") }

  /// One line about all of it; `nil` if there is nothing.
  var description: String? {
    var parts = Kind.allCases.compactMap { kind in
      names[kind].map { kind == .positions ? "\($0.count) \(kind.title)" : Self.text(kind, $0) }
    }
    if !layers.isEmpty {
      parts.append("\(layers.count) of layers that the text encoder does not use")
    }
    let count = names.values.reduce(layers.count) { $0 + $1.count }
    let tensors = count == 0 ? nil : "\(count) \(count == 1 ? "tensor" : "tensors"): "
    let said =
      [tensors.map { $0 + parts.joined(separator: ", ") }]
      + [folders.isEmpty ? nil : folders.joined(separator: ", ")]
    let all = said.compactMap(\.self)
    return all.isEmpty
      ? nil : "passed over, as the model is complete without them: " + all.joined(separator: "; ")
  }

  private static func text(_ kind: Kind, _ names: [String]) -> String {
    let shown = names.prefix(kind == .unknown ? 3 : 1).map(FileError.printable)
    let more = names.count > shown.count ? ", …" : ""
    return "\(names.count) \(kind.title) (\(shown.joined(separator: ", "))\(more))"
  }
}
