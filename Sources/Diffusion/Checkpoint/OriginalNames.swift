/// The names of parameters in the original layout of Stable Diffusion, for the names in diffusers.
///
/// The original layout is that of one file with all parts, as CompVis and Stability published
/// them. A part's table is a list of modules, each with a list of what is renamed inside it; a name
/// goes either way by the module that begins it, the longest such module having the last word. Files that
/// were put together from both layouts have diffusers' names below the original prefix: those stay as they
/// are.
///
/// - Reference: CompVis/latent-diffusion `ldm/modules/diffusionmodules/openaimodel.py` and
///   `model.py`; mlfoundations/open_clip `src/open_clip/transformer.py`; diffusers
///   `loaders/single_file_utils.py`.
package struct OriginalNames: Sendable {
  /// How a tensor of the file becomes a parameter.
  package enum Form: Sendable, Equatable {
    /// As it is.
    case whole
    /// A matrix that is stored as the kernel of a 1×1 convolution, `[out, in, 1, 1]`.
    case kernel
    /// Rows of queries, keys or values (0, 1, 2) of a tensor that holds all three.
    case third(Int)
    /// A matrix that is stored as `[in, out]`.
    case transposed
  }

  /// Two names of one thing.
  struct Pair: Sendable {
    /// diffusers' name.
    let ours: String
    let original: String
    var form = Form.whole

    init(_ ours: String, _ original: String, _ form: Form = .whole) {
      (self.ours, self.original, self.form) = (ours, original, form)
    }
  }

  /// A module, and what is renamed inside it.
  struct Module: Sendable {
    let names: Pair
    let inside: [Pair]

    init(_ ours: String, _ original: String, _ form: Form = .whole, inside: [Pair] = []) {
      names = Pair(ours, original, form)
      self.inside = inside
    }
  }

  /// What begins the part's names in the file.
  let prefix: String
  private let byOurs: [String: Module]
  private let byOriginal: [String: Module]

  init(_ prefix: String, _ modules: [Module]) {
    self.prefix = prefix
    byOurs = Dictionary(modules.map { ($0.names.ours, $0) }) { first, _ in first }
    byOriginal = Dictionary(modules.map { ($0.names.original, $0) }) { first, _ in first }
  }

  /// The original name of a parameter, and how it is stored there; `nil` for no parameter.
  package func original(_ ours: String) -> (name: String, form: Form)? {
    guard let (module, rest) = Self.split(ours, byOurs) else { return nil }
    for pair in module.inside {
      guard let tail = Self.tail(of: rest, after: pair.ours) else { continue }
      return (prefix + module.names.original + "." + pair.original + tail, pair.form)
    }
    // What is renamed has no second name.
    guard !module.inside.contains(where: { Self.tail(of: rest, after: $0.original) != nil }) else {
      return nil
    }
    let tail = rest.isEmpty ? "" : "." + rest
    return (prefix + module.names.original + tail, rest.isEmpty ? module.names.form : .whole)
  }

  /// The parameters that a tensor of the file holds, and how; none for a name not of this part.
  package func ours(_ original: String) -> [(name: String, form: Form)] {
    guard original.hasPrefix(prefix) else { return [] }
    let name = String(original.dropFirst(prefix.count))
    guard let (module, rest) = Self.split(name, byOriginal) else {
      return Self.split(name, byOurs) == nil ? [] : [(name, .kernel)]
    }
    let renamed = module.inside.compactMap { pair in
      Self.tail(of: rest, after: pair.original).map {
        (name: module.names.ours + "." + pair.ours + $0, form: pair.form)
      }
    }
    if !renamed.isEmpty { return renamed }
    guard !module.inside.contains(where: { Self.tail(of: rest, after: $0.ours) != nil }) else {
      return []
    }
    return rest.isEmpty
      ? [(module.names.ours, module.names.form)] : [(module.names.ours + "." + rest, .whole)]
  }

  /// The longest module that begins `name`, and what comes after it.
  private static func split(
    _ name: String, _ modules: [String: Module]
  ) -> (Module, rest: String)? {
    var end = name.endIndex
    while true {
      if let module = modules[String(name[..<end])] {
        return (module, String(name[end...].drop { $0 == "." }))
      }
      guard let dot = name[..<end].lastIndex(of: ".") else { return nil }
      end = dot
    }
  }

  /// What comes after `start`, from its point on; `nil` if `name` does not begin with it.
  private static func tail(of name: String, after start: String) -> Substring? {
    guard name.hasPrefix(start) else { return nil }
    let tail = name.dropFirst(start.count)
    return tail.isEmpty || tail.hasPrefix(".") ? tail : nil
  }
}

// MARK: - UNet

extension OriginalNames {
  private static let resnet = [
    Pair("norm1", "in_layers.0"), Pair("conv1", "in_layers.2"),
    Pair("time_emb_proj", "emb_layers.1"), Pair("norm2", "out_layers.0"),
    Pair("conv2", "out_layers.3"), Pair("conv_shortcut", "skip_connection"),
  ]

  /// The names of a UNet of this shape.
  package static func unet(_ configuration: UNetConfiguration) -> OriginalNames {
    OriginalNames(
      CheckpointPart.unet.originalPrefix,
      [
        Module("time_embedding.linear_1", "time_embed.0"),
        Module("time_embedding.linear_2", "time_embed.2"),
        Module("time_embedding.cond_proj", "time_embed.cond_proj"),
        Module("add_embedding.linear_1", "label_emb.0.0"),
        Module("add_embedding.linear_2", "label_emb.0.2"),
        Module("conv_in", "input_blocks.0.0"),
        Module("mid_block.resnets.0", "middle_block.0", inside: resnet),
        Module("mid_block.attentions.0", "middle_block.1"),
        Module("mid_block.resnets.1", "middle_block.2", inside: resnet),
        Module("conv_norm_out", "out.0"), Module("conv_out", "out.2"),
      ] + down(configuration) + up(configuration))
  }

  /// One list of blocks numbered through all levels, the first of them `conv_in`.
  private static func down(_ configuration: UNetConfiguration) -> [Module] {
    var modules: [Module] = []
    var number = 1
    for (index, level) in configuration.levels.enumerated() {
      let block = "down_blocks.\(index)"
      for layer in 0..<level.resnets {
        let original = "input_blocks.\(number)"
        modules.append(Module("\(block).resnets.\(layer)", original + ".0", inside: resnet))
        if configuration.attendsDown[index] {
          modules.append(Module("\(block).attentions.\(layer)", original + ".1"))
        }
        number += 1
      }
      guard index < configuration.levels.count - 1 else { break }
      modules.append(Module("\(block).downsamplers.0.conv", "input_blocks.\(number).0.op"))
      number += 1
    }
    return modules
  }

  /// The same on the way up, where a level's convolution shares its last block's number.
  private static func up(_ configuration: UNetConfiguration) -> [Module] {
    var modules: [Module] = []
    var number = 0
    for (index, level) in configuration.levels.reversed().enumerated() {
      let block = "up_blocks.\(index)"
      let attends = configuration.attendsUp[index]
      for layer in 0...level.resnets {
        let original = "output_blocks.\(number)"
        modules.append(Module("\(block).resnets.\(layer)", original + ".0", inside: resnet))
        if attends { modules.append(Module("\(block).attentions.\(layer)", original + ".1")) }
        if layer == level.resnets, index < configuration.levels.count - 1 {
          modules.append(
            Module("\(block).upsamplers.0.conv", original + (attends ? ".2" : ".1") + ".conv"))
        }
        number += 1
      }
    }
    return modules
  }
}

// MARK: - Autoencoder

extension OriginalNames {
  private static let pictureResnet = [Pair("conv_shortcut", "nin_shortcut")]
  private static let pictureAttention: [Pair] = [
    Pair("group_norm", "norm"), Pair("to_q.weight", "q.weight", .kernel),
    Pair("to_k.weight", "k.weight", .kernel), Pair("to_v.weight", "v.weight", .kernel),
    Pair("to_out.0.weight", "proj_out.weight", .kernel), Pair("to_q.bias", "q.bias"),
    Pair("to_k.bias", "k.bias"), Pair("to_v.bias", "v.bias"),
    Pair("to_out.0.bias", "proj_out.bias"),
  ]

  /// Attention as diffusers names it, in files whose other names are original.
  private static let newerAttention = ["group_norm", "to_q", "to_k", "to_v", "to_out.0"].flatMap {
    alike($0, $0)
  }

  /// The same by the names that diffusers had before version 0.15.
  private static let olderAttention = [
    ("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn"),
  ].flatMap { alike($0, $1) }

  private static func alike(_ ours: String, _ original: String) -> [Pair] {
    [
      Pair(ours + ".weight", original + ".weight", .kernel),
      Pair(ours + ".bias", original + ".bias"),
    ]
  }

  /// The names of an autoencoder of this shape, below `prefix`.
  package static func vae(
    _ configuration: VAEConfiguration, prefix: String? = nil
  ) -> OriginalNames {
    var modules = [
      Module("quant_conv", "quant_conv"), Module("post_quant_conv", "post_quant_conv"),
    ]
    for half in ["encoder", "decoder"] {
      modules += ["conv_in", "conv_out"].map { Module("\(half).\($0)", "\(half).\($0)") }
      modules += [
        Module("\(half).conv_norm_out", "\(half).norm_out"),
        Module("\(half).mid_block.resnets.0", "\(half).mid.block_1", inside: pictureResnet),
        Module(
          "\(half).mid_block.attentions.0", "\(half).mid.attn_1",
          inside: pictureAttention + newerAttention + olderAttention),
        Module("\(half).mid_block.resnets.1", "\(half).mid.block_2", inside: pictureResnet),
      ]
    }
    let last = configuration.widths.count - 1
    for level in 0...last {
      let (down, up) = ("encoder.down_blocks.\(level)", "decoder.up_blocks.\(last - level)")
      modules += (0..<configuration.resnets).map {
        Module(
          "\(down).resnets.\($0)", "encoder.down.\(level).block.\($0)", inside: pictureResnet)
      }
      modules += (0...configuration.resnets).map {
        Module("\(up).resnets.\($0)", "decoder.up.\(level).block.\($0)", inside: pictureResnet)
      }
      if level < last {
        modules.append(
          Module("\(down).downsamplers.0.conv", "encoder.down.\(level).downsample.conv"))
      }
      if level > 0 {
        modules.append(Module("\(up).upsamplers.0.conv", "decoder.up.\(level).upsample.conv"))
      }
    }
    return OriginalNames(prefix ?? CheckpointPart.vae.originalPrefix, modules)
  }
}

// MARK: - Text encoder

extension OriginalNames {
  /// The text encoder of SD 1.x: transformers' own names, below a prefix that some files lack.
  package static func clip(
    isPrefixed: Bool, prefix: String = CheckpointPart.textEncoder.originalPrefix
  ) -> OriginalNames {
    let root = isPrefixed ? "transformer.text_model." : "transformer."
    return OriginalNames(
      prefix,
      ["embeddings", "encoder", "final_layer_norm"].map { Module($0, root + $0) })
  }

  private static let openLayer = [
    Pair("layer_norm1", "ln_1"), Pair("layer_norm2", "ln_2"), Pair("mlp.fc1", "mlp.c_fc"),
    Pair("mlp.fc2", "mlp.c_proj"), Pair("self_attn.out_proj", "attn.out_proj"),
    Pair("self_attn.q_proj.weight", "attn.in_proj_weight", .third(0)),
    Pair("self_attn.k_proj.weight", "attn.in_proj_weight", .third(1)),
    Pair("self_attn.v_proj.weight", "attn.in_proj_weight", .third(2)),
    Pair("self_attn.q_proj.bias", "attn.in_proj_bias", .third(0)),
    Pair("self_attn.k_proj.bias", "attn.in_proj_bias", .third(1)),
    Pair("self_attn.v_proj.bias", "attn.in_proj_bias", .third(2)),
  ]

  /// The text encoder of SD 2.x or the second of SDXL: OpenCLIP's, of which the first `layers` blocks are used.
  package static func openCLIP(
    layers: Int, part: CheckpointPart = .textEncoder
  ) -> OriginalNames {
    OriginalNames(
      part.originalPrefix,
      [
        Module("embeddings.token_embedding", "model.token_embedding"),
        Module("embeddings.position_embedding.weight", "model.positional_embedding"),
        Module("final_layer_norm", "model.ln_final"),
        Module("text_projection.weight", "model.text_projection", .transposed),
      ]
        + (0..<layers).map {
          Module(
            "encoder.layers.\($0)", "model.transformer.resblocks.\($0)", inside: openLayer)
        })
  }

  /// OpenCLIP's whole model, both encoders and their projections, by the names of transformers' `CLIPModel`.
  ///
  /// The projections are stored as `[in, out]`, unlike transformers'.
  package static func openCLIPModel(visionLayers: Int, textLayers: Int) -> OriginalNames {
    let text = "text_model."
    let vision = "vision_model."
    return OriginalNames(
      "",
      [
        Module(text + "embeddings.token_embedding", "token_embedding"),
        Module(text + "embeddings.position_embedding.weight", "positional_embedding"),
        Module(text + "final_layer_norm", "ln_final"),
        Module("text_projection.weight", "text_projection"),
        Module("visual_projection.weight", "visual.proj"),
        Module("logit_scale", "logit_scale"),
        Module(vision + "embeddings.class_embedding", "visual.class_embedding"),
        Module(vision + "embeddings.position_embedding.weight", "visual.positional_embedding"),
        Module(vision + "embeddings.patch_embedding", "visual.conv1"),
        Module(vision + "pre_layrnorm", "visual.ln_pre"),
        Module(vision + "post_layernorm", "visual.ln_post"),
      ]
        + (0..<textLayers).map {
          Module(
            text + "encoder.layers.\($0)", "transformer.resblocks.\($0)", inside: openLayer)
        }
        + (0..<visionLayers).map {
          Module(
            vision + "encoder.layers.\($0)", "visual.transformer.resblocks.\($0)",
            inside: openLayer)
        })
  }
}
