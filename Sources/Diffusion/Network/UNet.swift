package import AttentionTrace
private import Foundation
package import TensorEngine

/// The conditional UNet of Stable Diffusion 1.x, 2.x and XL: predicts the noise in a latent.
///
/// - Reference: Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models,
///   CVPR 2022; diffusers `models/unets/unet_2d_condition.py`.
package struct UNet: Sendable {
  package let configuration: UNetConfiguration
  let timeLinear1: Linear
  let timeLinear2: Linear
  /// Takes the embedding of a weight of guidance, in distilled models; `nil` in others.
  private let guidanceProjection: Linear?
  /// What the weight of guidance adds to the time embedding, `[1, width]`; `nil` for nothing.
  private var guidance: Tensor?
  /// Take the whole text's vector and the sizes; `nil` where neither is an input.
  private let addedLinears: (Linear, Linear)?
  /// The embeddings of the sizes, one after the other, `[1, width]`; `nil` until they are told.
  private var sizes: Tensor?
  let convolutionIn: Convolution
  let down: [DownBlock]
  /// `nil` in models without one.
  let mid: MidBlock?
  let up: [UpBlock]
  let normOut: GroupNorm
  let convolutionOut: Convolution

  init(_ scope: ParameterScope, _ configuration: UNetConfiguration) throws {
    self.configuration = configuration
    let width = configuration.levels[0].channels
    let (groups, epsilon) = (configuration.groups, configuration.epsilon)
    timeLinear1 = try Linear(scope["time_embedding"]["linear_1"], width, configuration.timeWidth)
    timeLinear2 = try Linear(
      scope["time_embedding"]["linear_2"], configuration.timeWidth, configuration.timeWidth)
    guidanceProjection = try configuration.guidanceWidth.map {
      try Linear(scope["time_embedding"]["cond_proj"], $0, width, bias: false)
    }
    addedLinears = try configuration.added.map { added in
      let scope = scope["add_embedding"]
      return (
        try Linear(scope["linear_1"], added.width, configuration.timeWidth),
        try Linear(scope["linear_2"], configuration.timeWidth, configuration.timeWidth)
      )
    }
    convolutionIn = try Convolution(
      scope["conv_in"], configuration.channels, width, kernel: 3, padding: Padding(1))
    let build = BlockBuilder(configuration)
    down = try configuration.levels.indices.map { try build.down(scope["down_blocks"][$0], $0) }
    mid = try build.mid(scope["mid_block"])
    up = try configuration.levels.indices.map { try build.up(scope["up_blocks"][$0], $0) }
    normOut = try GroupNorm(scope["conv_norm_out"], width, groups: groups, epsilon: epsilon)
    convolutionOut = try Convolution(
      scope["conv_out"], width, configuration.channels, kernel: 3, padding: Padding(1))
  }

  /// Predicts the noise (or the velocity, as the checkpoint was trained).
  ///
  /// - Parameters:
  ///   - latent: `[batch, 4, row, column]`, scaled as the scheduler says.
  ///   - timestep: the diffusion time, 0…999.
  ///   - text: the prompt's embedding, of as many texts as there are latents.
  ///   - tap: who sees the attention.
  /// - Returns: the prediction, of the latent's shape.
  /// - Throws: ``DiffusionError/notFinite(layer:step:phase:)``.
  package func callAsFunction(
    _ latent: Tensor, timestep: Double, text: PromptEmbedding, tap: AttentionTap
  ) throws -> Tensor {
    let context = text.tokens
    let time = timeEmbedding(timestep, batch: latent.shape[0], pooled: text.pooled)
    try tap.check(time, "time_embedding")
    let x = convolutionIn(latent)
    try tap.check(x, "conv_in")
    var skips = [x]
    for block in down {
      skips += try block(skips[skips.count - 1], time: time, context: context, tap: tap)
    }
    let lowest = skips[skips.count - 1]
    var hidden = try mid?(lowest, time: time, context: context, tap: tap) ?? lowest
    for block in up {
      hidden = try block(hidden, skips: &skips, time: time, context: context, tap: tap)
    }
    let noise = convolutionOut(normOut(hidden, silu: true))
    try tap.check(noise, "conv_out")
    return noise
  }

  /// Runs only as far as the last site that the tap's objective reads.
  package func attend(
    _ latent: Tensor, timestep: Double, text: PromptEmbedding, tap: AttentionTap
  ) throws {
    do {
      _ = try self(latent, timestep: timestep, text: text, tap: tap)
    } catch is AttentionTap.PassIsOver {}
  }

  /// The embedding of a diffusion time through its two layers, and in SDXL that of the whole text and the
  /// sizes through theirs, `[batch, timeWidth]`.
  private func timeEmbedding(_ timestep: Double, batch: Int, pooled: Tensor?) -> Tensor {
    let width = configuration.levels[0].channels
    var row = sinusoid(Float(timestep), width: width)
    if let guidance { row = zip(row, guidance.values).map { $0 + $1 } }
    let rows = Tensor(
      [[Float]](repeating: row, count: batch).flatMap(\.self), shape: [batch, width])
    var embedding = timeLinear2(timeLinear1(rows).activated(.silu))
    if let (linear1, linear2) = addedLinears {
      guard let pooled, let sizes else { bug("SDXL's UNet without a pooled text or sizes") }
      let added = Tensor.concatenated(
        [pooled, .concatenated([Tensor](repeating: sizes, count: batch), axis: 0)], axis: 1)
      embedding = embedding + linear2(linear1(added).activated(.silu))
    }
    // Every resnet sends the embedding through SiLU first: once here serves all of them.
    return embedding.activated(.silu)
  }

  /// Cosines and sines of a number, `width` in all.
  ///
  /// - Reference: diffusers `models/embeddings.py`, `get_timestep_embedding`.
  private func sinusoid(_ number: Float, width: Int) -> [Float] {
    let half = width / 2
    var row = [Float](repeating: 0, count: width)
    for index in 0..<half {
      let exponent =
        -log(10000) * Float(index) / (Float(half) - Float(configuration.frequencyShift))
      let angle = number * exp(exponent)
      row[index] = configuration.flipSinToCos ? cos(angle) : sin(angle)
      row[half + index] = configuration.flipSinToCos ? sin(angle) : cos(angle)
    }
    return row
  }
}

// MARK: - Guidance

extension UNet {
  /// Whether the weight of guidance is an input of the model, as in latent consistency models.
  package var embedsGuidance: Bool { guidanceProjection != nil }

  /// The UNet told the weight of guidance, if that is an input of it; the same UNet if not.
  ///
  /// - Reference: Luo et al., Latent Consistency Models, arXiv 2310.04378, section 4.2; diffusers
  ///   `pipeline_stable_diffusion.py`, `get_guidance_scale_embedding`.
  package func embedding(guidanceScale: Double) -> UNet {
    guard let guidanceProjection, let width = configuration.guidanceWidth else { return self }
    let half = width / 2
    let angles = (0..<half).map { index in
      Float(guidanceScale - 1) * 1000 * exp(Float(index) * -log(Float(10000)) / Float(half - 1))
    }
    let row = angles.map { sin($0) } + angles.map { cos($0) }
    var unet = self
    unet.guidance = guidanceProjection(
      Tensor(row + [Float](repeating: 0, count: width - 2 * half), shape: [1, width]))
    return unet
  }
}

// MARK: - Sizes

extension UNet {
  /// The UNet told the sizes, if they are an input of it; the same UNet if not.
  package func conditioned(on sizes: SizeConditioning) -> UNet {
    guard let width = configuration.added?.sizeWidth else { return self }
    var unet = self
    unet.sizes = Tensor(
      sizes.numbers.flatMap { sinusoid($0, width: width) },
      shape: [1, SizeConditioning.count * width])
    return unet
  }
}

extension UNet {
  /// The grid of each level, from the latent's own down: halved, and rounded up where it is odd.
  package func grids(_ latent: Grid) -> [Grid] {
    var grids = [latent]
    for _ in configuration.levels.dropFirst() {
      let last = grids[grids.count - 1]
      grids.append(Grid(rows: (last.rows + 1) / 2, columns: (last.columns + 1) / 2))
    }
    return grids
  }

  /// Every attention at a latent's size, in the order in which a pass reaches them.
  package func sites(rows: Int, columns: Int, tokens: Int) -> [AttentionSite] {
    let grids = grids(Grid(rows: rows, columns: columns))
    func sites(_ transformers: [SpatialTransformer], _ grid: Grid) -> [AttentionSite] {
      transformers.flatMap(\.blocks).flatMap { [$0.selfAttention, $0.crossAttention] }.map {
        AttentionSite(
          path: $0.path, kind: $0.kind, heads: $0.heads, grid: grid,
          keys: $0.kind == .cross ? tokens : grid.pixels, width: $0.width)
      }
    }
    return zip(down, grids).flatMap { sites($0.attentions, $1) }
      + sites(mid?.attentions ?? [], grids[grids.count - 1])
      + zip(up, grids.reversed()).flatMap { sites($0.attentions, $1) }
  }
}

/// Lays out the UNet's levels: which widths meet where.
private struct BlockBuilder {
  let configuration: UNetConfiguration
  var levels: [UNetConfiguration.Level] { configuration.levels }

  init(_ configuration: UNetConfiguration) { self.configuration = configuration }

  private func resnet(_ scope: ParameterScope, _ input: Int, _ output: Int) throws -> ResnetBlock {
    try ResnetBlock(
      scope, input, output, timeWidth: configuration.timeWidth, groups: configuration.groups,
      epsilon: configuration.epsilon)
  }

  private func transformer(
    _ scope: ParameterScope, _ level: UNetConfiguration.Level
  ) throws -> SpatialTransformer {
    try SpatialTransformer(
      scope, width: level.channels, contextWidth: configuration.contextWidth, heads: level.heads,
      layers: level.depth, groups: configuration.groups, linear: configuration.linearProjection)
  }

  func down(_ scope: ParameterScope, _ index: Int) throws -> DownBlock {
    let level = levels[index]
    let input = index == 0 ? level.channels : levels[index - 1].channels
    return DownBlock(
      path: scope.path,
      resnets: try (0..<level.resnets).map {
        try resnet(scope["resnets"][$0], $0 == 0 ? input : level.channels, level.channels)
      },
      attentions: configuration.attendsDown[index]
        ? try (0..<level.resnets).map { try transformer(scope["attentions"][$0], level) } : [],
      downsampler: index == levels.count - 1
        ? nil
        : try Convolution(
          scope["downsamplers"][0]["conv"], level.channels, level.channels, kernel: 3, stride: 2,
          padding: Padding(1)))
  }

  func mid(_ scope: ParameterScope) throws -> MidBlock? {
    guard configuration.middle != .absent else { return nil }
    let level = levels[levels.count - 1]
    let attends = configuration.middle == .attending
    return MidBlock(
      resnets: try (0..<(attends ? 2 : 1)).map {
        try resnet(scope["resnets"][$0], level.channels, level.channels)
      },
      attentions: attends ? [try transformer(scope["attentions"][0], level)] : [])
  }

  /// - Parameter index: counted from the bottom, as `up_blocks` are.
  func up(_ scope: ParameterScope, _ index: Int) throws -> UpBlock {
    let last = levels.count - 1
    let level = levels[last - index]
    let below = index == 0 ? level.channels : levels[last - index + 1].channels
    let above = levels[max(last - index - 1, 0)].channels
    let count = level.resnets + 1
    return UpBlock(
      path: scope.path,
      resnets: try (0..<count).map {
        // The last skip of a level is the output of the level above it on the way down.
        let skip = $0 == count - 1 ? above : level.channels
        let input = $0 == 0 ? below : level.channels
        return try resnet(scope["resnets"][$0], input + skip, level.channels)
      },
      attentions: configuration.attendsUp[index]
        ? try (0..<count).map { try transformer(scope["attentions"][$0], level) } : [],
      upsampler: index == last
        ? nil
        : try Convolution(
          scope["upsamplers"][0]["conv"], level.channels, level.channels, kernel: 3,
          padding: Padding(1)))
  }
}
