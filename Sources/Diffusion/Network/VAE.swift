package import TensorEngine

/// The autoencoder between pictures and latents.
///
/// - Reference: Esser et al., Taming Transformers, CVPR 2021; diffusers
///   `models/autoencoders/autoencoder_kl.py` and `vae.py`.
package struct VAE: Sendable {
  package let configuration: VAEConfiguration
  private let encoder: Encoder
  private let decoder: Decoder
  private let quant: Convolution?
  private let postQuant: Convolution?

  init(_ scope: ParameterScope, _ configuration: VAEConfiguration) throws {
    self.configuration = configuration
    let latent = configuration.latentChannels
    encoder = try Encoder(scope["encoder"], configuration)
    decoder = try Decoder(scope["decoder"], configuration)
    quant =
      configuration.quantConvolution
      ? try Convolution(
        scope["quant_conv"], 2 * latent, 2 * latent, kernel: 1, padding: Padding(0)) : nil
    postQuant =
      configuration.postQuantConvolution
      ? try Convolution(scope["post_quant_conv"], latent, latent, kernel: 1, padding: Padding(0))
      : nil
  }

  /// The picture of a latent as the UNet knows it.
  ///
  /// - Parameter latent: `[batch, 4, row, column]`.
  /// - Returns: `[batch, 3, 8 row, 8 column]`, about -1…1, not clamped.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  package func decode(_ latent: Tensor) throws -> Tensor {
    let z = latent.affine(scale: 1 / configuration.scalingFactor)
    let latent = postQuant.map { $0(z) } ?? z
    try latent.requireFinite("post_quant_conv")
    return try decoder(latent)
  }

  /// Mean, and log-variance clamped to -30…20, both `[batch, 4, row / 8, column / 8]`.
  package typealias Posterior = (mean: Tensor, logVariance: Tensor)

  /// The posterior over latents of a picture, before scaling.
  ///
  /// - Parameter image: `[batch, 3, row, column]` in -1…1.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  package func encode(_ image: Tensor) throws -> Posterior {
    let hidden = try encoder(image)
    let moments = quant.map { $0(hidden) } ?? hidden
    try moments.requireFinite("quant_conv")
    let latent = configuration.latentChannels
    let logVariance = moments.sliced(axis: 1, latent..<2 * latent)
    return (
      moments.sliced(axis: 1, 0..<latent),
      Tensor(logVariance.values.map { min(max($0, -30), 20) }, shape: logVariance.shape)
    )
  }

  private static let epsilon: Float = 1e-6

  private static func resnet(
    _ scope: ParameterScope, _ input: Int, _ output: Int, _ configuration: VAEConfiguration
  ) throws -> ResnetBlock {
    try ResnetBlock(
      scope, input, output, timeWidth: nil, groups: configuration.groups, epsilon: epsilon)
  }

  /// Single-head attention over all cells, around a shortcut.
  private struct SpatialAttention {
    let path: String
    let norm: GroupNorm
    let query, key, value, output: Linear

    init(_ scope: ParameterScope, _ width: Int, groups: Int) throws {
      path = scope.path
      norm = try GroupNorm(scope["group_norm"], width, groups: groups, epsilon: epsilon)
      // Checkpoints saved before diffusers 0.15 call the four projections by other names.
      let isOld = scope["proj_attn"].exists
      query = try Linear(scope[isOld ? "query" : "to_q"], width, width)
      key = try Linear(scope[isOld ? "key" : "to_k"], width, width)
      value = try Linear(scope[isOld ? "value" : "to_v"], width, width)
      output = try Linear(isOld ? scope["proj_attn"] : scope["to_out"][0], width, width)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let flat = [x.shape[0], x.shape[1], x.shape[2] * x.shape[3]]
      let cells = norm(x).reshaped(flat).transposed  // [batch, pixel, width]
      let seen = query(cells).attention(
        keys: key(cells), values: value(cells), heads: 1,
        scale: 1 / Float(x.shape[1]).squareRoot())
      return output(seen).transposed.reshaped(x.shape) + x
    }
  }

  private struct Middle {
    let first, second: ResnetBlock
    let attention: SpatialAttention?

    init(_ scope: ParameterScope, _ width: Int, _ configuration: VAEConfiguration) throws {
      first = try resnet(scope["resnets"][0], width, width, configuration)
      attention =
        configuration.midAttention
        ? try SpatialAttention(scope["attentions"][0], width, groups: configuration.groups) : nil
      second = try resnet(scope["resnets"][1], width, width, configuration)
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
      var hidden = first(x)
      try hidden.requireFinite(first.path)
      if let attention {
        hidden = attention(hidden)
        try hidden.requireFinite(attention.path)
      }
      hidden = second(hidden)
      try hidden.requireFinite(second.path)
      return hidden
    }
  }

  private struct Encoder {
    let convolutionIn: Convolution
    let levels: [(path: String, resnets: [ResnetBlock], downsampler: Convolution?)]
    let middle: Middle
    let norm: GroupNorm
    let convolutionOut: Convolution

    init(_ scope: ParameterScope, _ configuration: VAEConfiguration) throws {
      let widths = configuration.widths
      let last = widths[widths.count - 1]
      convolutionIn = try Convolution(
        scope["conv_in"], configuration.imageChannels, widths[0], kernel: 3, padding: Padding(1))
      levels = try widths.indices.map { level in
        let block = scope["down_blocks"][level]
        let resnets = try (0..<configuration.resnets).map {
          let input = $0 == 0 ? widths[max(level - 1, 0)] : widths[level]
          return try resnet(block["resnets"][$0], input, widths[level], configuration)
        }
        // The autoencoder pads only below and to the right before it halves.
        let downsampler =
          level == widths.count - 1
          ? nil
          : try Convolution(
            block["downsamplers"][0]["conv"], widths[level], widths[level], kernel: 3, stride: 2,
            padding: Padding(top: 0, left: 0, bottom: 1, right: 1))
        return (block.path, resnets, downsampler)
      }
      middle = try Middle(scope["mid_block"], last, configuration)
      norm = try GroupNorm(
        scope["conv_norm_out"], last, groups: configuration.groups, epsilon: epsilon)
      convolutionOut = try Convolution(
        scope["conv_out"], last, 2 * configuration.latentChannels, kernel: 3, padding: Padding(1))
    }

    func callAsFunction(_ image: Tensor) throws -> Tensor {
      var x = convolutionIn(image)
      try x.requireFinite("encoder.conv_in")
      for level in levels {
        for resnet in level.resnets {
          x = resnet(x)
          try x.requireFinite(resnet.path)
        }
        if let downsampler = level.downsampler {
          x = downsampler(x)
          try x.requireFinite(level.path + ".downsamplers.0")
        }
      }
      x = convolutionOut(norm(try middle(x), silu: true))
      try x.requireFinite("encoder.conv_out")
      return x
    }
  }

  private struct Decoder {
    let convolutionIn: Convolution
    let middle: Middle
    let levels: [(path: String, resnets: [ResnetBlock], upsampler: Convolution?)]
    let norm: GroupNorm
    let convolutionOut: Convolution

    init(_ scope: ParameterScope, _ configuration: VAEConfiguration) throws {
      let widths = Array(configuration.widths.reversed())
      convolutionIn = try Convolution(
        scope["conv_in"], configuration.latentChannels, widths[0], kernel: 3, padding: Padding(1))
      middle = try Middle(scope["mid_block"], widths[0], configuration)
      levels = try widths.indices.map { level in
        let block = scope["up_blocks"][level]
        let resnets = try (0...configuration.resnets).map {
          let input = $0 == 0 ? widths[max(level - 1, 0)] : widths[level]
          return try resnet(block["resnets"][$0], input, widths[level], configuration)
        }
        let upsampler =
          level == widths.count - 1
          ? nil
          : try Convolution(
            block["upsamplers"][0]["conv"], widths[level], widths[level], kernel: 3,
            padding: Padding(1))
        return (block.path, resnets, upsampler)
      }
      let last = widths[widths.count - 1]
      norm = try GroupNorm(
        scope["conv_norm_out"], last, groups: configuration.groups, epsilon: epsilon)
      convolutionOut = try Convolution(
        scope["conv_out"], last, configuration.imageChannels, kernel: 3, padding: Padding(1))
    }

    func callAsFunction(_ latent: Tensor) throws -> Tensor {
      var x = convolutionIn(latent)
      try x.requireFinite("decoder.conv_in")
      x = try middle(x)
      for level in levels {
        for resnet in level.resnets {
          x = resnet(x)
          try x.requireFinite(resnet.path)
        }
        if let upsampler = level.upsampler {
          x = upsampler(x.upsampledNearest(rows: 2 * x.shape[2], columns: 2 * x.shape[3]))
          try x.requireFinite(level.path + ".upsamplers.0")
        }
      }
      x = convolutionOut(norm(x, silu: true))
      try x.requireFinite("decoder.conv_out")
      return x
    }
  }
}
