internal import AttentionTrace
internal import TensorEngine

/// Two convolutions with the time embedding between them, around a shortcut.
///
/// - Reference: diffusers `models/resnet.py`, `ResnetBlock2D`.
struct ResnetBlock: Sendable {
  let path: String
  let norm1: GroupNorm
  let conv1: Convolution
  let timeProjection: Linear?
  let norm2: GroupNorm
  let conv2: Convolution
  let shortcut: Convolution?

  /// - Parameter timeWidth: the time embedding's width; `nil` where there is none, as in the VAE.
  init(
    _ scope: ParameterScope, _ input: Int, _ output: Int, timeWidth: Int?, groups: Int,
    epsilon: Float
  ) throws {
    path = scope.path
    norm1 = try GroupNorm(scope["norm1"], input, groups: groups, epsilon: epsilon)
    conv1 = try Convolution(scope["conv1"], input, output, kernel: 3, padding: Padding(1))
    timeProjection = try timeWidth.map { try Linear(scope["time_emb_proj"], $0, output) }
    norm2 = try GroupNorm(scope["norm2"], output, groups: groups, epsilon: epsilon)
    conv2 = try Convolution(scope["conv2"], output, output, kernel: 3, padding: Padding(1))
    shortcut =
      input == output
      ? nil : try Convolution(scope["conv_shortcut"], input, output, kernel: 1, padding: Padding(0))
  }

  /// - Parameter time: the time embedding after its SiLU, `[batch, timeWidth]`.
  func callAsFunction(_ x: Tensor, time: Tensor? = nil) -> Tensor {
    var hidden = conv1(norm1(x, silu: true))
    if let timeProjection, let time { hidden = hidden.addingToChannels(timeProjection(time)) }
    hidden = conv2(norm2(hidden, silu: true))
    return hidden + (shortcut.map { $0(x) } ?? x)
  }
}

/// Self-attention, cross-attention and a gated feed-forward layer, each around a shortcut.
///
/// - Reference: diffusers `models/attention.py`, `BasicTransformerBlock`.
struct TransformerBlock: Sendable {
  let norm1: LayerNorm
  let selfAttention: Attention
  let norm2: LayerNorm
  let crossAttention: Attention
  let norm3: LayerNorm
  let expand: Linear
  let contract: Linear

  init(_ scope: ParameterScope, width: Int, contextWidth: Int, heads: Int) throws {
    norm1 = try LayerNorm(scope["norm1"], width)
    selfAttention = try Attention(scope["attn1"], width: width, contextWidth: nil, heads: heads)
    norm2 = try LayerNorm(scope["norm2"], width)
    crossAttention = try Attention(
      scope["attn2"], width: width, contextWidth: contextWidth, heads: heads)
    norm3 = try LayerNorm(scope["norm3"], width)
    expand = try Linear(scope["ff"]["net"][0]["proj"], width, 8 * width)
    contract = try Linear(scope["ff"]["net"][2], 4 * width, width)
  }

  /// Takes `x` `[batch, pixel, width]`.
  func callAsFunction(
    _ x: Tensor, context: Tensor, grid: Grid, tap: AttentionTap
  ) throws -> Tensor {
    var x = try selfAttention(norm1(x), context: context, grid: grid, tap: tap) + x
    x = try crossAttention(norm2(x), context: context, grid: grid, tap: tap) + x
    return contract(expand(norm3(x)).gatedGelu) + x
  }
}

/// Transformer blocks over a picture's cells.
///
/// - Reference: diffusers `models/transformers/transformer_2d.py`, continuous input.
struct SpatialTransformer: Sendable {
  /// A 1×1 convolution in SD 1.x, the same numbers as a linear layer in SD 2.x.
  enum Projection: Sendable {
    case convolution(Convolution)
    case linear(Linear)

    init(_ scope: ParameterScope, _ width: Int, linear: Bool) throws {
      self =
        linear
        ? .linear(try Linear(scope, width, width))
        : .convolution(try Convolution(scope, width, width, kernel: 1, padding: Padding(0)))
    }
  }

  let path: String
  let norm: GroupNorm
  let projectIn: Projection
  let blocks: [TransformerBlock]
  let projectOut: Projection

  init(
    _ scope: ParameterScope, width: Int, contextWidth: Int, heads: Int, layers: Int, groups: Int,
    linear: Bool
  ) throws {
    path = scope.path
    norm = try GroupNorm(scope["norm"], width, groups: groups, epsilon: 1e-6)
    projectIn = try Projection(scope["proj_in"], width, linear: linear)
    blocks = try (0..<layers).map {
      try TransformerBlock(
        scope["transformer_blocks"][$0], width: width, contextWidth: contextWidth, heads: heads)
    }
    projectOut = try Projection(scope["proj_out"], width, linear: linear)
  }

  /// Takes `x` `[batch, width, row, column]`.
  func callAsFunction(_ x: Tensor, context: Tensor, tap: AttentionTap) throws -> Tensor {
    let (batch, width, rows, columns) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let grid = Grid(rows: rows, columns: columns)
    var hidden = norm(x)
    if case .convolution(let projection) = projectIn { hidden = projection(hidden) }
    hidden = hidden.reshaped([batch, width, rows * columns]).transposed  // [batch, pixel, width]
    if case .linear(let projection) = projectIn { hidden = projection(hidden) }
    for block in blocks { hidden = try block(hidden, context: context, grid: grid, tap: tap) }
    if case .linear(let projection) = projectOut { hidden = projection(hidden) }
    hidden = hidden.transposed.reshaped([batch, width, rows, columns])
    if case .convolution(let projection) = projectOut { hidden = projection(hidden) }
    return hidden + x
  }
}

/// One level of the way down: resnets, their transformers, and a convolution that halves the grid.
///
/// - Reference: diffusers `unets/unet_2d_blocks.py`, `CrossAttnDownBlock2D` and `DownBlock2D`.
struct DownBlock: Sendable {
  let path: String
  let resnets: [ResnetBlock]
  let attentions: [SpatialTransformer]
  let downsampler: Convolution?

  /// Gives every intermediate that the way up takes again.
  func callAsFunction(
    _ x: Tensor, time: Tensor, context: Tensor, tap: AttentionTap
  ) throws -> [Tensor] {
    var outputs: [Tensor] = []
    var x = x
    for (index, resnet) in resnets.enumerated() {
      x = resnet(x, time: time)
      try tap.check(x, resnet.path)
      if !attentions.isEmpty {
        x = try attentions[index](x, context: context, tap: tap)
        try tap.check(x, attentions[index].path)
      }
      outputs.append(x)
    }
    if let downsampler {
      x = downsampler(x)
      try tap.check(x, path + ".downsamplers.0")
      outputs.append(x)
    }
    return outputs
  }
}

/// The lowest level: resnet, then transformer and resnet in turn.
///
/// - Reference: diffusers `unets/unet_2d_blocks.py`, `UNetMidBlock2DCrossAttn`; without transformers
///   `UNetMidBlock2D`, which is one resnet there.
struct MidBlock: Sendable {
  let resnets: [ResnetBlock]
  let attentions: [SpatialTransformer]

  func callAsFunction(
    _ x: Tensor, time: Tensor, context: Tensor, tap: AttentionTap
  ) throws -> Tensor {
    var x = resnets[0](x, time: time)
    try tap.check(x, resnets[0].path)
    for (attention, resnet) in zip(attentions, resnets.dropFirst()) {
      x = try attention(x, context: context, tap: tap)
      try tap.check(x, attention.path)
      x = resnet(x, time: time)
      try tap.check(x, resnet.path)
    }
    return x
  }
}

/// One level of the way up: resnets over the intermediates of the way down, and their transformers.
///
/// - Reference: diffusers `unets/unet_2d_blocks.py`, `CrossAttnUpBlock2D` and `UpBlock2D`.
struct UpBlock: Sendable {
  let path: String
  let resnets: [ResnetBlock]
  let attentions: [SpatialTransformer]
  let upsampler: Convolution?

  /// - Parameter skips: intermediates of the way down; this level takes its own from the end.
  func callAsFunction(
    _ x: Tensor, skips: inout [Tensor], time: Tensor, context: Tensor, tap: AttentionTap
  ) throws -> Tensor {
    var x = x
    for (index, resnet) in resnets.enumerated() {
      x = resnet(.concatenated([x, skips.removeLast()], axis: 1), time: time)
      try tap.check(x, resnet.path)
      if !attentions.isEmpty {
        x = try attentions[index](x, context: context, tap: tap)
        try tap.check(x, attentions[index].path)
      }
    }
    if let upsampler, let next = skips.last {
      // The next level's size and not twice this one: an odd grid was rounded up on the way down.
      x = upsampler(x.upsampledNearest(rows: next.shape[2], columns: next.shape[3]))
      try tap.check(x, path + ".upsamplers.0")
    }
    return x
  }
}
