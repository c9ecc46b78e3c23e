internal import Diffusion
internal import TensorEngine

/// A picture's patches and a class token through layers of self-attention.
///
/// The same network is in CLIP, OWL-ViT, OWLv2 and BLIP; ``Names`` says what each of them calls its
/// parts.
///
/// - Reference: Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021; transformers
///   `models/clip/modeling_clip.py`, `CLIPVisionTransformer`, and `models/blip/modeling_blip.py`,
///   `BlipVisionModel`.
struct VisionTransformer: Sendable {
  /// What a kind of model calls the parts that not all call alike, and which it has.
  struct Names: Sendable {
    /// The norm before the first layer; `nil` where there is none.
    let preNorm: String?
    /// The class token, and the shape in which it is stored after as many ones.
    let classToken = "embeddings.class_embedding"
    let positions: String
    /// Ones before the extents of the class token and of the positions.
    let leadingOnes: (classToken: Int, positions: Int)
    let patchHasBias: Bool
    /// Whether queries, keys and values are one matrix, `qkv`, in this order.
    let isFused: Bool
    /// The projection of what was attended to.
    let output: String

    private init(
      preNorm: String?, positions: String, leadingOnes: (Int, Int), patchHasBias: Bool,
      isFused: Bool, output: String
    ) {
      (self.preNorm, self.positions, self.leadingOnes) = (preNorm, positions, leadingOnes)
      (self.patchHasBias, self.isFused, self.output) = (patchHasBias, isFused, output)
    }

    /// CLIP's, whose pre-norm is misspelt in every checkpoint.
    static let clip = Names(
      preNorm: "pre_layrnorm", positions: "embeddings.position_embedding.weight",
      leadingOnes: (0, 0), patchHasBias: false, isFused: false, output: "out_proj")
    /// Those of OWL-ViT and OWLv2.
    static let owl = Names(
      preNorm: "pre_layernorm", positions: "embeddings.position_embedding.weight",
      leadingOnes: (0, 0), patchHasBias: false, isFused: false, output: "out_proj")
    /// BLIP's.
    static let blip = Names(
      preNorm: nil, positions: "embeddings.position_embedding", leadingOnes: (2, 1),
      patchHasBias: true, isFused: true, output: "projection")
  }

  let configuration: VisionConfiguration
  /// Shape `[1, 1, width]`.
  private let classToken: Tensor
  /// Shape `[width, 3, row, column]`.
  private let patches: Weight
  /// Shape `[width]`.
  private let patchOffset: Tensor?
  /// Shape `[1 + cell, width]`, the class token's first.
  private let positions: Tensor
  private let preNorm: LayerNorm?
  private let layers: [Layer]
  /// The norm of what the last layer leaves: CLIP applies it to the class token alone.
  let postNorm: LayerNorm
  private let path: String

  /// Reads the weights below `scope`, as in `vision_model`.
  /// - Throws: `FileError` for a type that is not read; what is missing is told by the end of loading.
  init(_ scope: ParameterScope, _ configuration: VisionConfiguration, _ names: Names) throws {
    self.configuration = configuration
    path = scope.path
    let (width, epsilon) = (configuration.width, configuration.epsilon)
    func ones(_ count: Int) -> [Int] { [Int](repeating: 1, count: count) }
    let cells = configuration.grid * configuration.grid
    // Where a tensor is missing, an empty one stands for it until loading ends.
    func shaped(_ tensor: Tensor, _ shape: [Int]) -> Tensor {
      tensor.count == 0 ? tensor : tensor.reshaped(shape)
    }
    classToken = shaped(
      try scope.tensor(names.classToken, ones(names.leadingOnes.classToken) + [width]),
      [1, 1, width])
    positions = shaped(
      try scope.tensor(names.positions, ones(names.leadingOnes.positions) + [1 + cells, width]),
      [1 + cells, width])
    let embedding = scope["embeddings"]["patch_embedding"]
    patches = try embedding.weight([width, 3, configuration.patch, configuration.patch])
    patchOffset = names.patchHasBias ? try embedding.tensor("bias", [width]) : nil
    preNorm = try names.preNorm.map { try LayerNorm(scope[$0], width, epsilon: epsilon) }
    layers = try (0..<configuration.layers).map {
      try Layer(scope["encoder"]["layers"][$0], configuration, names)
    }
    postNorm = try LayerNorm(scope["post_layernorm"], width, epsilon: epsilon)
  }

  /// What the last layer leaves of every patch, before ``postNorm``.
  ///
  /// For pictures of another size than the network was trained on, positions are interpolated
  /// bicubically, as transformers' `interpolate_pos_encoding` does.
  ///
  /// - Parameter pixels: `[picture, channel, row, column]`, normalised; a side has a patch at least.
  /// - Returns: `[picture, 1 + cell, width]`, the class token first.
  /// - Throws: `DiffusionError` when the result is not finite.
  func callAsFunction(_ pixels: Tensor) throws -> Tensor {
    var x = embedded(pixels)
    for layer in layers { x = layer(x) }
    try x.requireFinite(path)
    return x
  }

  /// What the last layer leaves of the class token alone, `[picture, width]`, before ``postNorm``.
  ///
  /// The last layer computes nothing else of the patches than keys and values.
  /// - Throws: as ``callAsFunction(_:)``.
  func classToken(_ pixels: Tensor) throws -> Tensor {
    var x = embedded(pixels)
    for layer in layers.dropLast() { x = layer(x) }
    if let last = layers.last { x = last.first(x) }
    let token = x.sliced(axis: 1, 0..<1).reshaped([x.shape[0], configuration.width])
    try token.requireFinite(path)
    return token
  }

  /// Patches with their positions, the class token first.
  private func embedded(_ pixels: Tensor) -> Tensor {
    let (pictures, width) = (pixels.shape[0], configuration.width)
    let cells = pixels.convolution(
      patches, patchOffset, stride: configuration.patch, padding: Padding(0))
    let (rows, columns) = (cells.shape[2], cells.shape[3])
    let embedded = cells.reshaped([pictures, width, rows * columns]).transposed
    let first = Tensor.concatenated(
      [Tensor](repeating: classToken, count: pictures), axis: 0)
    let x = .concatenated([first, embedded], axis: 1) + positions(rows: rows, columns: columns)
    return preNorm.map { $0(x) } ?? x
  }

  /// The positions of a grid of cells, `[1 + cell, width]`.
  private func positions(rows: Int, columns: Int) -> Tensor {
    let grid = configuration.grid
    guard rows != grid || columns != grid else { return positions }
    let cells = positions.sliced(axis: 0, 1..<1 + grid * grid)
    let other = cells.reshaped([grid, grid, configuration.width])
      .interpolatedBicubically(rows: rows, columns: columns)
    return .concatenated(
      [
        positions.sliced(axis: 0, 0..<1),
        other.reshaped([rows * columns, configuration.width]),
      ], axis: 0)
  }

  /// Self-attention and a feed-forward part, each after a norm and around a shortcut.
  private struct Layer {
    let norm1: LayerNorm
    let projections: Projections
    let output: PackedLinear
    let heads: Int
    let norm2: LayerNorm
    let expand, contract: PackedLinear
    let activation: Activation

    /// What makes queries, keys and values.
    enum Projections {
      case fused(PackedLinear)
      case apart(query: PackedLinear, key: PackedLinear, value: PackedLinear)
    }

    init(
      _ scope: ParameterScope, _ configuration: VisionConfiguration, _ names: Names
    ) throws {
      let (width, epsilon) = (configuration.width, configuration.epsilon)
      let attention = scope["self_attn"]
      norm1 = try LayerNorm(scope["layer_norm1"], width, epsilon: epsilon)
      if names.isFused {
        projections = .fused(PackedLinear(try Linear(attention["qkv"], width, 3 * width)))
      } else {
        projections = .apart(
          query: PackedLinear(try Linear(attention["q_proj"], width, width)),
          key: PackedLinear(try Linear(attention["k_proj"], width, width)),
          value: PackedLinear(try Linear(attention["v_proj"], width, width)))
      }
      output = PackedLinear(try Linear(attention[names.output], width, width))
      heads = configuration.heads
      norm2 = try LayerNorm(scope["layer_norm2"], width, epsilon: epsilon)
      expand = PackedLinear(try Linear(scope["mlp"]["fc1"], width, configuration.hidden))
      contract = PackedLinear(try Linear(scope["mlp"]["fc2"], configuration.hidden, width))
      activation = configuration.activation
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let (queries, keys, values) = projected(norm1(x), x.shape[2])
      return finished(x, queries, keys, values)
    }

    /// The layer's result of the first token alone, `[picture, 1, width]`.
    func first(_ x: Tensor) -> Tensor {
      let (queries, keys, values) = projected(norm1(x), x.shape[2], onlyFirst: true)
      return finished(x.sliced(axis: 1, 0..<1), queries, keys, values)
    }

    private func finished(
      _ x: Tensor, _ queries: Tensor, _ keys: Tensor, _ values: Tensor
    ) -> Tensor {
      let width = x.shape[2]
      let attended = queries.attention(
        keys: keys, values: values, heads: heads,
        scale: 1 / Float(width / heads).squareRoot())
      let hidden = output(attended) + x
      return contract(expand(norm2(hidden)).activated(activation)) + hidden
    }

    /// Queries of all tokens or of the first, and keys and values of all.
    private func projected(
      _ x: Tensor, _ width: Int, onlyFirst: Bool = false
    ) -> (queries: Tensor, keys: Tensor, values: Tensor) {
      switch projections {
      case .apart(let query, let key, let value):
        return (query(onlyFirst ? x.sliced(axis: 1, 0..<1) : x), key(x), value(x))
      case .fused(let linear):
        let all = linear(x)
        func third(_ index: Int) -> Tensor {
          all.sliced(axis: 2, index * width..<(index + 1) * width)
        }
        let queries = third(0)
        return (onlyFirst ? queries.sliced(axis: 1, 0..<1) : queries, third(1), third(2))
      }
    }
  }
}
