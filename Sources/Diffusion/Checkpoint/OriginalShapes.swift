internal import TensorEngine

/// What the shapes of a single file's tensors say of its parts.
struct OriginalShapes: Sendable {
  /// The families that Heed runs in this layout.
  enum Family: Sendable {
    /// SD 1.x: CLIP's text encoder.
    case one
    /// SD 2.x: OpenCLIP's.
    case two
    /// SDXL: both.
    case xl

    var title: String {
      switch self {
      case .one: "Stable Diffusion 1.x"
      case .two: "Stable Diffusion 2.x"
      case .xl: "Stable Diffusion XL"
      }
    }
  }

  let file: SafetensorsFile
  private let prefixes: [CheckpointPart: String]

  /// - Parameters:
  ///   - file: the weights.
  ///   - prefixes: what begins a part's names where it is not found out from the names.
  init(file: SafetensorsFile, prefixes: [CheckpointPart: String] = [:]) {
    self.file = file
    var found = prefixes
    // Some files have a second name for the autoencoder.
    if found[.vae] == nil, let other = CheckpointPart.vae.otherPrefix,
      file.entry(CheckpointPart.vae.originalPrefix + Self.telling) == nil,
      file.entry(other + Self.telling) != nil
    {
      found[.vae] = other
    }
    if file.names.contains(where: { $0.hasPrefix(Self.firstOfTwo + "transformer.") }) {
      found[.textEncoder] = Self.firstOfTwo
    }
    self.prefixes = found
  }

  /// What begins the names of CLIP's text encoder where there is a second.
  private static let firstOfTwo = "conditioner.embedders.0."

  /// A tensor that every autoencoder has, by the same name in either layout.
  static let telling = "decoder.conv_in.weight"

  /// What begins a part's names in the file.
  func prefix(_ part: CheckpointPart) -> String { prefixes[part] ?? part.originalPrefix }

  /// The shape of a part's tensor, by its original name without the part's prefix.
  func shape(_ part: CheckpointPart, _ name: String, rank: Int) throws -> [Int]? {
    guard let entry = file.entry(prefix(part) + name) else { return nil }
    guard entry.shape.count == rank, entry.shape.allSatisfy({ $0 > 0 }) else {
      throw FileError(
        .malformed, path: file.path, subject: entry.name,
        reason: "expected \(rank) extents above 0, got \(entry.shape)")
    }
    return entry.shape
  }

  private func require(_ part: CheckpointPart, _ name: String, rank: Int) throws -> [Int] {
    guard let shape = try shape(part, name, rank: rank) else {
      throw DiffusionError.parameters(
        file: file.path, missing: [prefix(part) + name], unused: [], mismatched: [])
    }
    return shape
  }

  private func has(_ part: CheckpointPart, _ name: String) -> Bool {
    file.entry(prefix(part) + name) != nil
  }

  /// How many of `name(0)`, `name(1)`, … there are.
  private func count(_ part: CheckpointPart, _ name: (Int) -> String) -> Int {
    (0..<ConfigurationReader.depth.upperBound).first { !has(part, name($0)) }
      ?? ConfigurationReader.depth.upperBound
  }

  /// Which text encoders there are.
  var family: Family {
    prefix(.textEncoder) == Self.firstOfTwo
      ? .xl : has(.textEncoder, "model.token_embedding.weight") ? .two : .one
  }

  /// Whether a text encoder is OpenCLIP's.
  private func isOpen(_ part: CheckpointPart) -> Bool {
    part == .secondTextEncoder || family == .two
  }

  /// Whether CLIP's names have the prefix that transformers gives them.
  var isPrefixed: Bool {
    has(.textEncoder, "transformer.text_model.embeddings.token_embedding.weight")
  }
}

// MARK: - UNet

extension OriginalShapes {
  private struct UNetLevel {
    var width = 0
    var resnets = 0
    var depth = 0
  }

  /// Walks the numbered blocks of the way down: a level ends with its halving convolution.
  private func levels() throws -> [UNetLevel] {
    var levels = [UNetLevel()]
    for number in 1..<(16 * 16) {
      let block = "input_blocks.\(number)"
      if has(.unet, block + ".0.op.weight") {
        levels.append(UNetLevel())
      } else if let shape = try shape(.unet, block + ".0.in_layers.2.weight", rank: 4) {
        let last = levels.count - 1
        levels[last].width = shape[0]
        levels[last].resnets += 1
        levels[last].depth = count(.unet) { "\(block).1.transformer_blocks.\($0).norm1.weight" }
      } else {
        break
      }
    }
    guard levels.allSatisfy({ $0.resnets > 0 }) else {
      throw FileError(
        .malformed, path: file.path,
        reason: "expected a block in each of \(levels.count) levels of the UNet's input_blocks")
    }
    return levels
  }

  /// Whether each level of the way up has cross-attention, from the bottom.
  private func attendsUp(_ levels: [UNetLevel]) -> [Bool] {
    var number = 0
    return levels.reversed().map { level in
      defer { number += level.resnets + 1 }
      return has(.unet, "output_blocks.\(number).1.proj_in.weight")
    }
  }

  func unet() throws -> ConfigurationDraft {
    var draft = ConfigurationDraft()
    let input = try require(.unet, "input_blocks.0.0.weight", rank: 4)
    let time = try require(.unet, "time_embed.0.weight", rank: 2)
    let levels = try levels()
    let widths = levels.map(\.width)
    let (down, up) = (levels.map { $0.depth > 0 }, attendsUp(levels))
    draft.tell("in_channels", .integer(input[1]))
    draft.tell("block_out_channels", .integers(widths))
    draft.tell("layers_per_block", .integers(levels.map(\.resnets)))
    draft.tell(
      "down_block_types", .strings(down.map { $0 ? "CrossAttnDownBlock2D" : "DownBlock2D" }))
    draft.tell("up_block_types", .strings(up.map { $0 ? "CrossAttnUpBlock2D" : "UpBlock2D" }))
    draft.tell("time_embedding_dim", .integer(time[0]))
    if let guidance = try shape(.unet, "time_embed.cond_proj.weight", rank: 2) {
      draft.tell("time_cond_proj_dim", .integer(guidance[1]))
    }
    let middle = "middle_block.1"
    let depth = count(.unet) { "\(middle).transformer_blocks.\($0).norm1.weight" }
    // The middle has the depth that the last level has, or would have.
    let depths = levels.indices.map { index in
      levels[index].depth > 0 ? levels[index].depth : index == levels.count - 1 ? max(depth, 1) : 1
    }
    draft.tell("transformer_layers_per_block", .integers(depths))
    let keys = middle + ".transformer_blocks.0.attn2.to_k.weight"
    let context = try require(.unet, keys, rank: 2)[1]
    draft.tell("cross_attention_dim", .integer(context))
    let projection = file.entry(prefix(.unet) + middle + ".proj_in.weight")
    draft.tell("use_linear_projection", .bool(projection?.shape.count == 2))
    if family == .xl {
      let added = try require(.unet, "label_emb.0.0.weight", rank: 2)
      draft.tell("addition_embed_type", .string("text_time"))
      draft.tell("projection_class_embeddings_input_dim", .integer(added[1]))
      draft.assume("addition_time_embed_dim", .integer(256))
    }
    // What Stability published: eight heads in SD 1.x, heads of 64 in SD 2.x and SDXL.
    if context == 768 {
      draft.assume("attention_head_dim", .integer(8))
    } else if context == 1024 || context == 2048, widths.allSatisfy({ $0 % 64 == 0 }) {
      draft.assume("attention_head_dim", .integers(widths.map { $0 / 64 }))
    }
    return draft
  }
}

// MARK: - Autoencoder

extension OriginalShapes {
  func vae() throws -> ConfigurationDraft {
    var draft = ConfigurationDraft()
    let input = try require(.vae, "encoder.conv_in.weight", rank: 4)
    let latent = try require(.vae, "decoder.conv_in.weight", rank: 4)
    let isOurs = has(.vae, "encoder.down_blocks.0.resnets.0.conv1.weight")
    func kernel(_ level: Int, _ resnet: Int) -> String {
      isOurs
        ? "encoder.down_blocks.\(level).resnets.\(resnet).conv1.weight"
        : "encoder.down.\(level).block.\(resnet).conv1.weight"
    }
    let levels = min(count(.vae) { kernel($0, 0) }, 16)
    let widths = try (0..<levels).map { try require(.vae, kernel($0, 0), rank: 4)[0] }
    draft.tell("in_channels", .integer(input[1]))
    draft.tell("latent_channels", .integer(latent[1]))
    draft.tell("block_out_channels", .integers(widths))
    draft.tell(
      "down_block_types", .strings([String](repeating: "DownEncoderBlock2D", count: levels)))
    draft.tell("up_block_types", .strings([String](repeating: "UpDecoderBlock2D", count: levels)))
    draft.tell("layers_per_block", .integer(count(.vae) { kernel(0, $0) }))
    let attention = ["encoder.mid.attn_1.", "encoder.mid_block.attentions.0."]
    draft.tell(
      "mid_block_add_attention",
      .bool(
        file.names.contains { name in attention.contains { name.hasPrefix(prefix(.vae) + $0) } }))
    draft.tell("use_quant_conv", .bool(has(.vae, "quant_conv.weight")))
    draft.tell("use_post_quant_conv", .bool(has(.vae, "post_quant_conv.weight")))
    draft.assume("scaling_factor", .number(family == .xl ? 0.13025 : 0.18215))
    return draft
  }
}

// MARK: - Text encoder

extension OriginalShapes {
  /// The blocks of a text encoder that the file holds.
  func textLayers(_ part: CheckpointPart = .textEncoder) -> Int {
    isOpen(part)
      ? count(part) { "model.transformer.resblocks.\($0).ln_1.weight" }
      : count(part) { "\(textRoot).encoder.layers.\($0).layer_norm1.weight" }
  }

  private var textRoot: String { isPrefixed ? "transformer.text_model" : "transformer" }

  func text(_ part: CheckpointPart = .textEncoder) throws -> ConfigurationDraft {
    var draft = ConfigurationDraft()
    let isOpen = isOpen(part)
    let names: (token: String, position: String, hidden: String) =
      isOpen
      ? (
        "model.token_embedding.weight", "model.positional_embedding",
        "model.transformer.resblocks.0.mlp.c_fc.weight"
      )
      : (
        textRoot + ".embeddings.token_embedding.weight",
        textRoot + ".embeddings.position_embedding.weight",
        textRoot + ".encoder.layers.0.mlp.fc1.weight"
      )
    let token = try require(part, names.token, rank: 2)
    draft.tell("vocab_size", .integer(token[0]))
    draft.tell("hidden_size", .integer(token[1]))
    draft.tell(
      "max_position_embeddings", .integer(try require(part, names.position, rank: 2)[0]))
    draft.tell(
      "intermediate_size", .integer(try require(part, names.hidden, rank: 2)[0]))
    if part == .secondTextEncoder {
      draft.tell("architectures", .strings(["CLIPTextModelWithProjection"]))
      draft.tell(
        "projection_dim", .integer(try require(part, "model.text_projection", rank: 2)[1]))
      draft.assume("eos_token_id", .integer(TextConfiguration.unsaidEndToken))
    }
    draft.assume("hidden_act", .string(isOpen ? "gelu" : "quick_gelu"))
    draft.assume("num_hidden_layers", .integer(assumedTextLayers(part)))
    if token[1] % 64 == 0 { draft.assume("num_attention_heads", .integer(token[1] / 64)) }
    return draft
  }

  /// How many blocks are used where nobody says.
  ///
  /// SD 2.x takes the output of the last block but one: 23 of OpenCLIP ViT-H's 24 blocks. A file
  /// that was made from diffusers' layout has just those.
  private func assumedTextLayers(_ part: CheckpointPart) -> Int {
    let layers = textLayers(part)
    guard family == .two else { return layers }
    return layers == 23 ? 23 : max(layers - 1, 1)
  }
}
