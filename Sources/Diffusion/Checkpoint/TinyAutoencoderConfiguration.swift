internal import TensorEngine

/// What shapes a tiny autoencoder's decoder, from its `config.json`.
///
/// Keys and defaults are diffusers', which are the shape of every published TAESD.
package struct TinyAutoencoderConfiguration: Sendable, Equatable {
  static let className = "AutoencoderTiny"

  let latentChannels: Int
  /// The width of every level.
  let width: Int
  /// How many blocks each level has, from the latent to the picture.
  let blocks: [Int]
  /// How much larger a side of the picture is at each level than at the one before.
  let enlargement: Int
  let scalingFactor: Float

  /// How many pixels a side of the picture has for each cell of the latent's.
  package var factor: Int {
    blocks.dropFirst().reduce(1) { product, _ in product * enlargement }
  }

  /// The shape of a file without a configuration, by its tensors, with all else as it was published.
  ///
  /// - Parameters:
  ///   - prefix: what begins the names of the decoder's layers.
  ///   - first: the number of its first convolution.
  /// - Returns: `nil` where that is missing.
  init?(_ file: SafetensorsFile, prefix: String, first: Int) {
    func isBlock(_ layer: Int) -> Bool { file.entry("\(prefix)\(layer).conv.0.weight") != nil }
    guard let shape = file.entry("\(prefix)\(first).weight")?.shape, shape.count == 4 else {
      return nil
    }
    (width, latentChannels) = (shape[0], shape[1])
    var (next, blocks) = (first + 2, [Int]())
    while isBlock(next) {
      let count = (next...).prefix(while: isBlock).count
      blocks.append(count)
      // The last level has no enlargement before its convolution.
      next += count + 2
    }
    (self.blocks, enlargement, scalingFactor) = (blocks, 2, 1)
  }

  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    try config.require("act_fn", "relu")
    try config.require("upsample_fn", "nearest")
    try config.requireNumber("out_channels", 3)
    try config.requireNumber("shift_factor", 0)
    try config.requireAbsent("quantization_config")
    latentChannels = try config.integer("latent_channels", default: 4)
    blocks =
      try config.has("num_decoder_blocks")
      ? config.widths("num_decoder_blocks", in: ConfigurationReader.depth) : [3, 3, 3, 1]
    width = try config.uniform("decoder_block_out_channels", blocks.count, default: 64)
    enlargement = try config.integer("upsampling_scaling_factor", default: 2, in: 1...16)
    scalingFactor = Float(try config.positive("scaling_factor", default: 1))
  }
}
