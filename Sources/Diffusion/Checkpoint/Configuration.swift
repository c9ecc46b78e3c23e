package import TensorEngine

/// What shapes the UNet, from `unet/config.json`.
///
/// Keys and defaults are diffusers'.
package struct UNetConfiguration: Sendable, Equatable {
  /// One level: its width, its heads, its transformers and their depth.
  package struct Level: Sendable, Equatable {
    let channels: Int
    package let heads: Int
    let resnets: Int
    let depth: Int
  }

  /// The lowest level.
  package enum Middle: Sendable {
    /// Two resnets and a transformer between them.
    case attending
    /// A resnet.
    case plain
    case absent
  }

  /// The latent's size the checkpoint was trained at.
  package let sampleRows: Int
  package let sampleColumns: Int
  package let channels: Int
  package let levels: [Level]
  /// Whether each level has cross-attention, on the way down and on the way up (from the bottom).
  let attendsDown: [Bool]
  let attendsUp: [Bool]
  /// What is at the lowest level, between the way down and the way up.
  let middle: Middle
  package let contextWidth: Int
  /// The width of the embedding of a weight of guidance; `nil` where that is no input.
  package let guidanceWidth: Int?
  let groups: Int
  let epsilon: Float
  let linearProjection: Bool
  let flipSinToCos: Bool
  let frequencyShift: Double
  let timeWidth: Int
  /// What SDXL adds to the time embedding; `nil` in SD 1.x and 2.x.
  let added: Added?

  /// A whole text's vector and the sizes, which are added to the time embedding.
  package struct Added: Sendable, Equatable {
    /// The width of each size's embedding.
    let sizeWidth: Int
    /// The width of both together.
    let width: Int
    /// The width of the whole text's vector.
    var pooledWidth: Int { width - SizeConditioning.count * sizeWidth }
  }

  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  package init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    try config.require("_class_name", "UNet2DConditionModel")
    for key in [
      "class_embed_type", "encoder_hid_dim", "encoder_hid_dim_type",
      "time_embedding_act_fn", "timestep_post_act", "num_class_embeds", "num_attention_heads",
      "cross_attention_norm", "reverse_transformer_layers_per_block", "quantization_config",
    ] {
      try config.requireAbsent(key)
    }
    for key in [
      "dual_cross_attention", "center_input_sample", "resnet_skip_time_act",
      "class_embeddings_concat", "only_cross_attention", "mid_block_only_cross_attention",
    ] {
      try config.requireFalse(key)
    }
    for key in [
      "downsample_padding", "mid_block_scale_factor", "resnet_out_scale_factor",
    ] {
      try config.requireNumber(key, 1)
    }
    for key in ["conv_in_kernel", "conv_out_kernel"] { try config.requireNumber(key, 3) }
    try config.require("act_fn", "silu", "swish")
    try config.require("time_embedding_type", "positional")
    try config.require("resnet_time_scale_shift", "default")
    try config.require("attention_type", "default")
    middle = try config.middle("mid_block_type")
    guidanceWidth = try config.optionalInteger("time_cond_proj_dim")
    channels = try config.integer("in_channels", default: 4)
    try ModelKind.requireRunnable(channels: channels, path: json.file)
    guard try config.integer("out_channels", default: 4) == 4 else {
      throw DiffusionError.unsupported(
        path: json.file, key: "out_channels", value: try json.member("out_channels").value.text,
        supported: "latents of 4 channels")
    }
    let widths = try config.widths("block_out_channels")
    let heads = try config.perLevel("attention_head_dim", widths.count, default: 8)
    let depth = ConfigurationReader.depth
    let resnets = try config.perLevel("layers_per_block", widths.count, default: 2, in: depth)
    let depths = try config.perLevel(
      "transformer_layers_per_block", widths.count, default: 1, in: depth)
    let groups = try config.integer("norm_num_groups", default: 32)
    self.groups = groups
    levels = try widths.indices.map { index in
      guard widths[index] % heads[index] == 0, widths[index] % groups == 0 else {
        throw json.failure(
          "block_out_channels \(widths[index]) is not a multiple of \(heads[index]) heads and "
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
    contextWidth = try config.uniform("cross_attention_dim", widths.count, default: 1280)
    epsilon = Float(try config.positive("norm_eps", default: 1e-5))
    linearProjection = try config.bool("use_linear_projection", default: false)
    flipSinToCos = try config.bool("flip_sin_to_cos", default: true)
    frequencyShift = try config.double("freq_shift", default: 0)
    guard frequencyShift < Double(widths[0] / 2) else {
      throw json.failure("freq_shift is \(frequencyShift); expected less than \(widths[0] / 2)")
    }
    timeWidth = try config.integer("time_embedding_dim", default: 4 * widths[0])
    added = try Added(config)
    (sampleRows, sampleColumns) = try config.sampleSize("sample_size")
  }
}

extension UNetConfiguration.Added {
  /// - Returns: `nil` where nothing is added.
  fileprivate init?(_ config: ConfigurationReader) throws {
    try config.require("addition_embed_type", "text_time")
    guard try config.has("addition_embed_type") else { return nil }
    let widthKey = "projection_class_embeddings_input_dim"
    sizeWidth = try config.integer("addition_time_embed_dim", in: 4...(1 << 20))
    width = try config.integer(widthKey)
    guard pooledWidth > 0 else {
      throw try config.json.member(widthKey).failure(
        "expected more than \(SizeConditioning.count) sizes of width \(sizeWidth), got \(width)")
    }
  }
}

/// What shapes the autoencoder: `vae/config.json`.
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

  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  package init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    try config.require("_class_name", "AutoencoderKL")
    try config.require("act_fn", "silu", "swish")
    for key in ["shift_factor", "latents_mean", "latents_std", "quantization_config"] {
      try config.requireAbsent(key)
    }
    let widths = try config.widths("block_out_channels")
    let groups = try config.integer("norm_num_groups", default: 32)
    (self.widths, self.groups) = (widths, groups)
    guard widths.allSatisfy({ $0 % groups == 0 }) else {
      throw json.failure("block_out_channels \(widths) are not multiples of \(groups) groups")
    }
    _ = try config.blocks("down_block_types", widths.count, ["DownEncoderBlock2D": true])
    _ = try config.blocks("up_block_types", widths.count, ["UpDecoderBlock2D": true])
    resnets = try config.integer("layers_per_block", default: 1, in: ConfigurationReader.depth)
    imageChannels = try config.integer("in_channels", default: 3)
    latentChannels = try config.integer("latent_channels", default: 4)
    for (key, usual) in [("in_channels", 3), ("out_channels", 3), ("latent_channels", 4)] {
      guard let node = try json.optionalMember(key), try node.integer() != usual else { continue }
      throw DiffusionError.unsupported(
        path: json.file, key: key, value: node.value.text,
        supported: "pictures of 3 channels and latents of 4")
    }
    midAttention = try config.bool("mid_block_add_attention", default: true)
    quantConvolution = try config.bool("use_quant_conv", default: true)
    postQuantConvolution = try config.bool("use_post_quant_conv", default: true)
    scalingFactor = Float(try config.positive("scaling_factor", default: 0.18215))
  }
}

/// What shapes CLIP's text transformer: `text_encoder/config.json`.
package struct TextConfiguration: Sendable, Equatable {
  package let vocabulary: Int
  package let width: Int
  let hidden: Int
  package let layers: Int
  package let heads: Int
  /// Positions of the window.
  package let window: Int
  let activation: Activation
  let epsilon: Float
  /// The width of the vector of a whole text; `nil` where the encoder makes none.
  let projection: Int?
  /// The id of the end token; `nil` for the largest id of a text, by which CLIP found it first.
  let endToken: Int?

  /// Whether this is one of OpenCLIP's encoders, which are told by their exact gelu.
  package var isOpen: Bool { activation == .gelu }

  /// - Parameters:
  ///   - type: what the configuration says of its kind, if it says one.
  ///   - window: the positions where it does not say how many.
  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  package init(
    _ json: JSONNode, type: String = "clip_text_model", window positions: Int = 77
  ) throws {
    let config = ConfigurationReader(json)
    try config.require("model_type", type)
    // With it the Stable Diffusion pipelines hide the padding from the encoder.
    try config.requireFalse("use_attention_mask")
    try config.requireAbsent("quantization_config")
    vocabulary = try config.integer("vocab_size", default: 49408)
    width = try config.integer("hidden_size", default: 512)
    hidden = try config.integer("intermediate_size", default: 2048)
    layers = try config.integer("num_hidden_layers", default: 12, in: ConfigurationReader.depth)
    heads = try config.integer("num_attention_heads", default: 8)
    // Start, end, and one token at least; no text encoder reads as many as the largest.
    window = try config.integer(
      "max_position_embeddings", default: positions, in: 3...65_536)
    epsilon = Float(try config.positive("layer_norm_eps", default: 1e-5))
    guard width % heads == 0 else {
      throw json.failure("hidden_size \(width) is not a multiple of \(heads) heads")
    }
    activation = try Activation(config, default: "quick_gelu")
    let classes = try json.optionalMember("architectures")?.strings() ?? []
    projection =
      classes.contains("CLIPTextModelWithProjection")
      ? try config.integer("projection_dim", default: 512) : nil
    let end = try json.optionalMember("eos_token_id")?.integer()
    endToken = end == Self.unsaidEndToken ? nil : end ?? Self.publishedEndToken
  }

  /// What configurations said before transformers 4.32, whatever the vocabulary.
  static let unsaidEndToken = 2
  private static let publishedEndToken = 49407

  /// A shape that was checked, with layers whose feed-forward part is four times as wide.
  package init(
    vocabulary: Int, width: Int, layers: Int, heads: Int, window: Int, activation: Activation
  ) {
    (self.vocabulary, self.width, hidden) = (vocabulary, width, 4 * width)
    (self.layers, self.heads, self.window) = (layers, heads, window)
    (self.activation, epsilon) = (activation, 1e-5)
    (projection, endToken) = (nil, nil)
  }
}

extension Activation {
  /// The `hidden_act` of a configuration.
  /// - Throws: ``DiffusionError`` for one that Heed lacks.
  package init(_ config: ConfigurationReader, default value: String) throws {
    switch try config.string("hidden_act", default: value) {
    case "quick_gelu": self = .quickGelu
    case "gelu": self = .gelu
    case let other:
      throw DiffusionError.unsupported(
        path: config.json.file, key: "hidden_act", value: other,
        supported: "quick_gelu and gelu")
    }
  }
}

/// Reads a configuration with diffusers' defaults for absent keys, and refuses what is not computed.
package struct ConfigurationReader {
  package let json: JSONNode

  package init(_ json: JSONNode) { self.json = json }

  package func has(_ key: String) throws -> Bool { try json.optionalMember(key) != nil }

  /// What an extent can be: more would be no checkpoint, and products of three still fit.
  package static let extent = 1...(1 << 20)
  /// What a number of layers can be.
  package static let depth = 1...100

  package func integer(
    _ key: String, default value: Int, in range: ClosedRange<Int> = extent
  ) throws -> Int {
    try json.optionalMember(key).map { try Self.integer($0, in: range) } ?? value
  }

  /// A number that must be there.
  func integer(_ key: String, in range: ClosedRange<Int> = extent) throws -> Int {
    try Self.integer(try json.member(key), in: range)
  }

  private static func integer(_ node: JSONNode, in range: ClosedRange<Int>) throws -> Int {
    let number = try node.integer()
    guard range.contains(number) else {
      throw node.failure("expected \(range.lowerBound)…\(range.upperBound), got \(number)")
    }
    return number
  }

  package func double(_ key: String, default value: Double) throws -> Double {
    try json.optionalMember(key)?.double() ?? value
  }

  /// A number above 0 that float32 holds.
  package func positive(_ key: String, default value: Double) throws -> Double {
    guard let node = try json.optionalMember(key) else { return value }
    let number = try node.double()
    guard Float(number) > 0, Float(number).isFinite else {
      throw node.failure("expected a number above 0, got \(number)")
    }
    return number
  }

  package func bool(_ key: String, default value: Bool) throws -> Bool {
    try json.optionalMember(key)?.bool() ?? value
  }

  package func string(_ key: String, default value: String) throws -> String {
    try json.optionalMember(key)?.string() ?? value
  }

  /// The width of each level, or another number of it.
  func widths(_ key: String, in range: ClosedRange<Int> = extent) throws -> [Int] {
    let node = try json.member(key)
    let list = try node.elements().map { try Self.integer($0, in: range) }
    guard (1...16).contains(list.count) else {
      throw node.failure("expected 1…16 levels, got \(list.count)")
    }
    return list
  }

  /// A number for all levels, or a list of one for each.
  func perLevel(
    _ key: String, _ count: Int, default value: Int, in range: ClosedRange<Int> = extent
  ) throws -> [Int] {
    guard let node = try json.optionalMember(key) else {
      return [Int](repeating: value, count: count)
    }
    guard case .array = node.value else {
      return [Int](repeating: try Self.integer(node, in: range), count: count)
    }
    let list = try node.elements().map { try Self.integer($0, in: range) }
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

  /// The latent's rows and columns.
  ///
  /// The first checkpoints say less than they were trained at: diffusers' pipelines take 64 for any
  /// smaller number of a file that was saved before version 0.9.
  func sampleSize(_ key: String) throws -> (Int, Int) {
    let (rows, columns) = try pair(key, default: 64)
    guard case .integer? = try json.optionalMember(key)?.value, rows < 64,
      let version = try json.optionalMember("_diffusers_version")?.string()
    else { return (rows, columns) }
    let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && numbers[0] == 0 && numbers[1] < 9 ? (64, 64) : (rows, columns)
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

  /// A number, or a list of the same number for each level.
  func uniform(_ key: String, _ count: Int, default value: Int) throws -> Int {
    let list = try perLevel(key, count, default: value)
    guard Set(list).count == 1 else {
      throw unsupported(key, JSONValue.integers(list), "one number for all levels")
    }
    return list[0]
  }

  /// A number of at least 4, which an embedding of sines and cosines needs; `nil` where there is none.
  func optionalInteger(_ key: String) throws -> Int? {
    try json.optionalMember(key).map { try Self.integer($0, in: 4...(1 << 20)) }
  }

  /// What is between the way down and the way up; null means nothing, and an absent key attention.
  func middle(_ key: String) throws -> UNetConfiguration.Middle {
    switch try json.object()[key] {
    case .null: return .absent
    case nil, .string("UNetMidBlock2DCrossAttn"): return .attending
    case .string("UNetMidBlock2D"): return .plain
    case let other?:
      throw unsupported(key, other, "UNetMidBlock2DCrossAttn, UNetMidBlock2D and null")
    }
  }

  private func unsupported(
    _ key: String, _ value: JSONValue, _ supported: String
  ) -> DiffusionError {
    .unsupported(path: json.file, key: key, value: value.text, supported: supported)
  }

  package func require(_ key: String, _ expected: String...) throws {
    try require(key, among: expected)
  }

  package func require(_ key: String, among expected: [String]) throws {
    guard let value = try json.optionalMember(key)?.string(), !expected.contains(value) else {
      return
    }
    throw unsupported(key, .string(value), expected.joined(separator: " and "))
  }

  package func requireAbsent(_ key: String) throws {
    guard let node = try json.optionalMember(key) else { return }
    throw unsupported(key, node.value, "checkpoints without it")
  }

  func requireNumber(_ key: String, _ expected: Double) throws {
    guard let node = try json.optionalMember(key), try node.double() != expected else { return }
    throw unsupported(
      key, node.value, "checkpoints where it is \(JSONValue.integer(Int(expected)).text)")
  }

  /// False, or false for each level.
  package func requireFalse(_ key: String) throws {
    guard let node = try json.optionalMember(key) else { return }
    var flags = [node]
    if case .array = node.value { flags = try node.elements() }
    if try flags.contains(where: { try $0.bool() }) {
      throw unsupported(key, node.value, "checkpoints where it is false")
    }
  }
}
