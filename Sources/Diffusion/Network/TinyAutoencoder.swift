package import TensorEngine

/// The decoder of a tiny autoencoder (TAESD): a picture of a latent in a small part of the time that the
/// autoencoder itself takes.
///
/// - Reference: Ollin Boer Bohan, github.com/madebyollin/taesd; diffusers
///   `models/autoencoders/autoencoder_tiny.py`, and `DecoderTiny` of `vae.py`.
package struct TinyAutoencoder: Sendable {
  package let configuration: TinyAutoencoderConfiguration
  private let convolutionIn: Convolution
  private let levels: [Level]

  /// Blocks of one size, and the convolution after them; but for the last the picture grows in between.
  private struct Level {
    let blocks: [Block]
    let convolution: Convolution
  }

  /// - Parameters:
  ///   - layers: where the decoder's layers stand by their numbers.
  ///   - first: the number of its first convolution.
  init(
    _ layers: ParameterScope, first: Int, _ configuration: TinyAutoencoderConfiguration
  ) throws {
    self.configuration = configuration
    let width = configuration.width
    convolutionIn = try Convolution(
      layers[first], configuration.latentChannels, width, kernel: 3, padding: Padding(1))
    // Activations and enlargements have numbers too.
    var next = first + 2
    levels = try configuration.blocks.enumerated().map { level, count in
      let isLast = level == configuration.blocks.count - 1
      let blocks = try (0..<count).map { try Block(layers[next + $0]["conv"], width) }
      next += count + (isLast ? 0 : 1)
      defer { next += 1 }
      return Level(
        blocks: blocks,
        convolution: try Convolution(
          layers[next], width, isLast ? 3 : width, kernel: 3, padding: Padding(1), bias: isLast))
    }
  }

  /// Three convolutions around a shortcut.
  private struct Block {
    let path: String
    let convolutions: [Convolution]

    init(_ scope: ParameterScope, _ width: Int) throws {
      path = scope.path
      convolutions = try [0, 2, 4].map {
        try Convolution(scope[$0], width, width, kernel: 3, padding: Padding(1))
      }
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let inner = convolutions[1](convolutions[0](x).rectified).rectified
      return (convolutions[2](inner) + x).rectified
    }
  }

  /// The picture of a latent as the UNet knows it.
  ///
  /// - Parameter latent: `[batch, 4, row, column]`.
  /// - Returns: `[batch, 3, 8 row, 8 column]`, about -1…1, not clamped.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  package func decode(_ latent: Tensor) throws -> Tensor {
    let scaled = latent.affine(scale: 1 / (3 * configuration.scalingFactor))
    var x = convolutionIn(scaled.hyperbolicTangent.affine(scale: 3)).rectified
    for (index, level) in levels.enumerated() {
      for block in level.blocks {
        x = block(x)
        try x.requireFinite(block.path)
      }
      if index < levels.count - 1 {
        x = x.upsampledNearest(
          rows: configuration.enlargement * x.shape[2],
          columns: configuration.enlargement * x.shape[3])
      }
      x = level.convolution(x)
    }
    return x.affine(scale: 2, offset: -1)
  }
}
