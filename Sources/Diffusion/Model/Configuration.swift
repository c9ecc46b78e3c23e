internal import TensorEngine

/// `unet/config.json`: what shapes the UNet. Keys and defaults are diffusers'.
package struct UNetConfiguration: Sendable, Equatable {
  /// One level: its width, its heads, its transformers and their depth.
  package struct Level: Sendable, Equatable {
    let channels: Int
    let heads: Int
    let resnets: Int
    let depth: Int
  }

  /// The latent's size the checkpoint was trained at.
  package let sampleRows: Int
  package let sampleColumns: Int
  package let channels: Int
  package let levels: [Level]
  /// Whether each level has cross-attention, on the way down and on the way up (from the bottom).
  let attendsDown: [Bool]
  let attendsUp: [Bool]
  package let contextWidth: Int
  let groups: Int
  let epsilon: Float
  let linearProjection: Bool
  let flipSinToCos: Bool
  let frequencyShift: Double
  let timeWidth: Int

  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    try config.require("_class_name", "UNet2DConditionModel")
    for key in [
      "class_embed_type", "addition_embed_type", "encoder_hid_dim", "encoder_hid_dim_type",
      "time_embedding_act_fn", "timestep_post_act", "time_cond_proj_dim", "num_class_embeds",
      "cross_attention_norm", "reverse_transformer_layers_per_block",
    ] {
      try config.requireAbsent(key)
    }
    for key in [
      "dual_cross_attention", "center_input_sample", "resnet_skip_time_act",
      "class_embeddings_concat",
    ] {
      try config.requireFalse(key)
    }
    try config.require("act_fn", "silu")
    try config.require("time_embedding_type", "positional")
    try config.require("resnet_time_scale_shift", "default")
    try config.require("mid_block_type", "UNetMidBlock2DCrossAttn")
    try config.require("attention_type", "default")
    channels = try config.integer("in_channels", default: 4)
    guard channels == 4, try config.integer("out_channels", default: 4) == 4 else {
      throw DiffusionError.unsupported(
        path: json.file, key: "in_channels", value: String(channels),
        supported: "latents of 4 channels (no inpainting, depth or upscaling checkpoints)")
    }
    let widths = try config.integers("block_out_channels")
    let heads = try config.perLevel(
      config.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim",
      widths.count,
      default: 8)
    let resnets = try config.perLevel("layers_per_block", widths.count, default: 2)
    let depths = try config.perLevel("transformer_layers_per_block", widths.count, default: 1)
    let groups = try config.integer("norm_num_groups", default: 32)
    self.groups = groups
    levels = try widths.indices.map { index in
      guard heads[index] > 0, widths[index] > 0, widths[index] % heads[index] == 0,
        groups > 0, widths[index] % groups == 0
      else {
        throw json.failure(
          "block_out_channels \(widths[index]) is no multiple of \(heads[index]) heads and "
            + "\(groups) groups")
      }
      return Level(
        channels: widths[index], heads: heads[index], resnets: resnets[index],
        depth: depths[index])
    }
    attendsDown = try config.blocks(
      "down_block_types", widths.count, ["CrossAttnDownBlock2D": true, "DownBlock2D": false])
    attendsUp = try config.blocks(
      "up_block_types", widths.count, ["CrossAttnUpBlock2D": true, "UpBlock2D": false])
    contextWidth = try config.integer("cross_attention_dim", default: 1280)
    epsilon = Float(try config.double("norm_eps", default: 1e-5))
    linearProjection = try config.bool("use_linear_projection", default: false)
    flipSinToCos = try config.bool("flip_sin_to_cos", default: true)
    frequencyShift = try config.double("freq_shift", default: 0)
    timeWidth = try config.integer("time_embedding_dim", default: 4 * widths[0])
    let sample = try config.pair("sample_size", default: 64)
    (sampleRows, sampleColumns) = sample
    let halvings = 1 << (widths.count - 1)
    guard sampleRows % halvings == 0, sampleColumns % halvings == 0 else {
      throw DiffusionError.unsupported(
        path: json.file, key: "sample_size", value: "\(sampleRows)x\(sampleColumns)",
        supported: "latents whose sides are multiples of \(halvings)")
    }
  }
}

/// `vae/config.json`: what shapes the autoencoder.
package struct VAEConfiguration: Sendable, Equatable {
  package let imageChannels: Int
  package let latentChannels: Int
  let widths: [Int]
  let resnets: Int
  let groups: Int
  let midAttention: Bool
  let quantConvolution: Bool
  let postQuantConvolution: Bool
  /// What the encoder's mean is multiplied with to become a latent of unit variance.
  package let scalingFactor: Float

  /// Image pixels for each latent cell, on a side.
  package var factor: Int { 1 << (widths.count - 1) }

  init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    try config.require("_class_name", "AutoencoderKL")
    try config.require("act_fn", "silu")
    try config.requireAbsent("shift_factor")
    try config.requireAbsent("latents_mean")
    try config.requireAbsent("latents_std")
    let widths = try config.integers("block_out_channels")
    let groups = try config.integer("norm_num_groups", default: 32)
    (self.widths, self.groups) = (widths, groups)
    guard groups > 0, widths.allSatisfy({ $0 > 0 && $0 % groups == 0 }) else {
      throw json.failure("block_out_channels \(widths) are no multiples of \(groups) groups")
    }
    _ = try config.blocks("down_block_types", widths.count, ["DownEncoderBlock2D": true])
    _ = try config.blocks("up_block_types", widths.count, ["UpDecoderBlock2D": true])
    resnets = try config.integer("layers_per_block", default: 1, atMost: ConfigurationReader.count)
    imageChannels = try config.integer("in_channels", default: 3)
    latentChannels = try config.integer("latent_channels", default: 4)
    midAttention = try config.bool("mid_block_add_attention", default: true)
    quantConvolution = try config.bool("use_quant_conv", default: true)
    postQuantConvolution = try config.bool("use_post_quant_conv", default: true)
    scalingFactor = Float(try config.double("scaling_factor", default: 0.18215))
  }
}

/// `text_encoder/config.json`: what shapes CLIP's text transformer.
package struct TextConfiguration: Sendable, Equatable {
  package let vocabulary: Int
  package let width: Int
  let hidden: Int
  let layers: Int
  let heads: Int
  /// Positions of the window.
  package let window: Int
  let activation: Activation
  let epsilon: Float

  init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    try config.require("model_type", "clip_text_model")
    vocabulary = try config.integer("vocab_size", default: 49408)
    width = try config.integer("hidden_size", default: 512)
    hidden = try config.integer("intermediate_size", default: 2048)
    layers = try config.integer("num_hidden_layers", default: 12, atMost: ConfigurationReader.count)
    heads = try config.integer("num_attention_heads", default: 8)
    window = try config.integer(
      "max_position_embeddings", default: 77, atMost: ConfigurationReader.count)
    epsilon = Float(try config.double("layer_norm_eps", default: 1e-5))
    guard heads > 0, width > 0, width % heads == 0 else {
      throw json.failure("hidden_size \(width) is no multiple of \(heads) heads")
    }
    switch try config.string("hidden_act", default: "quick_gelu") {
    case "quick_gelu": activation = .quickGelu
    case "gelu": activation = .gelu
    case let other:
      throw DiffusionError.unsupported(
        path: json.file, key: "hidden_act", value: other, supported: "quick_gelu and gelu")
    }
  }
}

/// Reads a configuration with diffusers' defaults for absent keys, and refuses what is not computed.
struct ConfigurationReader {
  let json: JSONNode

  init(_ json: JSONNode) { self.json = json }

  func has(_ key: String) throws -> Bool { try json.optionalMember(key) != nil }

  func integer(_ key: String, default value: Int, atMost limit: Int = width) throws -> Int {
    guard let node = try json.optionalMember(key) else { return value }
    return try checked(node, try node.integer(), atMost: limit)
  }

  /// The most a width can be; more is damage, and could not be computed with.
  static let width = 1 << 20
  /// The most that layers, heads and a latent's side can be.
  static let count = 1 << 10

  private func checked(_ node: JSONNode, _ number: Int, atMost limit: Int) throws -> Int {
    guard (1...limit).contains(number) else {
      throw node.failure("expected a number from 1 to \(limit), got \(number)")
    }
    return number
  }

  func double(_ key: String, default value: Double) throws -> Double {
    try json.optionalMember(key)?.double() ?? value
  }

  func bool(_ key: String, default value: Bool) throws -> Bool {
    try json.optionalMember(key)?.bool() ?? value
  }

  func string(_ key: String, default value: String) throws -> String {
    try json.optionalMember(key)?.string() ?? value
  }

  func integers(_ key: String) throws -> [Int] {
    let list = try json.member(key).integers()
    guard (1...16).contains(list.count) else {
      throw try json.member(key).failure("expected 1 to 16 numbers, got \(list.count)")
    }
    return try list.map { try checked(try json.member(key), $0, atMost: Self.width) }
  }

  /// A number for all levels, or a list of one for each.
  func perLevel(_ key: String, _ count: Int, default value: Int) throws -> [Int] {
    guard let node = try json.optionalMember(key) else {
      return [Int](repeating: value, count: count)
    }
    if case .integer(let number) = node.value {
      return [Int](repeating: try checked(node, number, atMost: Self.count), count: count)
    }
    let list = try node.integers().map { try checked(node, $0, atMost: Self.count) }
    guard list.count == count else {
      throw node.failure("expected one number or \(count), got \(list.count)")
    }
    return list
  }

  /// One number for both sides, or rows and columns.
  func pair(_ key: String, default value: Int) throws -> (Int, Int) {
    let list = try perLevel(key, 2, default: value)
    return (list[0], list[1])
  }

  /// What each level's block type says, for the types Heed has.
  func blocks(_ key: String, _ count: Int, _ types: [String: Bool]) throws -> [Bool] {
    let names = try json.member(key).strings()
    guard names.count == count else {
      throw try json.member(key).failure("expected \(count) block types, got \(names.count)")
    }
    return try names.map { name in
      guard let type = types[name] else {
        throw DiffusionError.unsupported(
          path: json.file, key: key, value: name,
          supported: types.keys.sorted().joined(separator: " and "))
      }
      return type
    }
  }

  func require(_ key: String, _ expected: String) throws {
    guard let value = try json.optionalMember(key)?.string(), value != expected else { return }
    throw DiffusionError.unsupported(path: json.file, key: key, value: value, supported: expected)
  }

  func requireAbsent(_ key: String) throws {
    guard let node = try json.optionalMember(key) else { return }
    throw DiffusionError.unsupported(
      path: json.file, key: key, value: node.value.kindName, supported: "checkpoints without it")
  }

  func requireFalse(_ key: String) throws {
    if try bool(key, default: false) {
      throw DiffusionError.unsupported(
        path: json.file, key: key, value: "true", supported: "checkpoints where it is false")
    }
  }
}
