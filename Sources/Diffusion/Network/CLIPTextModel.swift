package import TensorEngine

/// CLIP's text transformer: token ids in, one embedding for each position out, and in SDXL one for all.
///
/// - Reference: Radford et al., Learning Transferable Visual Models From Natural Language
///   Supervision, ICML 2021; transformers `models/clip/modeling_clip.py`.
package struct CLIPTextModel: Sendable {
  package let configuration: TextConfiguration
  /// Shape `[id, width]`.
  private let tokenEmbedding: Tensor
  /// `[width]` of ids whose vectors are not in the table, or are others than there.
  private let rows: [Int: [Float]]
  /// Shape `[position, width]`.
  private let positionEmbedding: Tensor
  private let layers: [Layer]
  private let finalNorm: LayerNorm
  /// Shape `[projection, width]`; `nil` where a whole text has no vector.
  private let projection: Linear?
  private let path: String

  /// - Parameters:
  ///   - scope: the transformer's parameters.
  ///   - root: the parameters of the model that it is part of, where its projection is.
  package init(
    _ scope: ParameterScope, _ configuration: TextConfiguration, rows: [Int: [Float]] = [:],
    projectionIn root: ParameterScope? = nil
  ) throws {
    self.configuration = configuration
    self.rows = rows
    path = scope.path.isEmpty ? "text_model" : scope.path
    let width = configuration.width
    tokenEmbedding = try scope["embeddings"]["token_embedding"].tensor(
      "weight", [configuration.vocabulary, width])
    positionEmbedding = try scope["embeddings"]["position_embedding"].tensor(
      "weight", [configuration.window, width])
    layers = try (0..<configuration.layers).map {
      try Layer(scope["encoder"]["layers"][$0], configuration)
    }
    finalNorm = try LayerNorm(
      scope["final_layer_norm"], width, epsilon: configuration.epsilon)
    projection =
      if let root, let out = configuration.projection {
        try Linear(root["text_projection"], width, out, bias: false)
      } else {
        nil
      }
  }

  /// The last hidden state after the final norm, or that of an earlier layer.
  ///
  /// - Parameters:
  ///   - ids: for each prompt, one id for each position of the window, or for as many of its first as for
  ///     every other prompt: what comes later changes nothing before it.
  ///   - clipSkip: how many of the last layers are left out, as diffusers' `clip_skip` has it: the final
  ///     norm is of the hidden state −(clipSkip + 1).
  /// - Returns: `[prompt, position, width]`.
  /// - Throws: ``DiffusionError`` when an id is outside the embedding, or a layer's output is not
  ///   finite.
  package func callAsFunction(_ ids: [[Int]], clipSkip: Int = 0) throws -> Tensor {
    try requireLayers(clipSkip, of: layers.count)
    return try normed(run(layers.dropLast(clipSkip), on: embedded(ids)))
  }

  /// What SDXL reads: the hidden state of the last layer but one without the final norm, and the first
  /// text's vector where the encoder makes one.
  ///
  /// - Parameters:
  ///   - ids: as in ``callAsFunction(_:clipSkip:)``, windows of one text.
  ///   - clipSkip: how many layers more are left out of the hidden state, as diffusers' `clip_skip` has it:
  ///     it is the hidden state −(clipSkip + 2).
  /// - Returns: `[window, position, width]`, and `[1, projection]`.
  /// - Throws: as ``callAsFunction(_:clipSkip:)``.
  /// - Reference: diffusers `pipeline_stable_diffusion_xl.py`, `encode_prompt`.
  package func penultimate(
    _ ids: [[Int]], clipSkip: Int = 0
  ) throws -> (hidden: Tensor, pooled: Tensor?) {
    try requireLayers(clipSkip, of: layers.count - 1)
    let hidden = try run(layers.dropLast(clipSkip + 1), on: embedded(ids))
    guard let projection, let first = ids.first else { return (hidden, nil) }
    let last = try normed(
      run(layers.suffix(clipSkip + 1), on: hidden.sliced(axis: 0, 0..<1)))
    let end = endPosition(first)
    let vector = last.sliced(axis: 1, end..<end + 1).reshaped([1, configuration.width])
    return (hidden, projection(vector))
  }

  /// Where a text's end token is: the first of its id, or of the largest id.
  ///
  /// - Reference: transformers `models/clip/modeling_clip.py`, `CLIPTextTransformer.forward`.
  private func endPosition(_ ids: [Int]) -> Int {
    ids.firstIndex(of: configuration.endToken ?? ids.max() ?? 0) ?? 0
  }

  private func requireLayers(_ clipSkip: Int, of most: Int) throws {
    guard (0...max(most, 0)).contains(clipSkip) else {
      throw DiffusionError.invalidRequest(
        what: "the number of layers that CLIP skips", got: String(clipSkip),
        expected: "0 to \(most), which the text encoder can do without")
    }
  }

  /// The tokens' vectors with their positions', `[text, position, width]`.
  private func embedded(_ ids: [[Int]]) throws -> Tensor {
    let width = configuration.width
    let positions = ids.first?.count ?? 0
    for row in ids {
      guard row.count == positions, (1...configuration.window).contains(positions) else {
        throw DiffusionError.invalidRequest(
          what: "the number of token ids", got: String(row.count),
          expected: "the same for every text, and at most \(configuration.window)")
      }
      if let id = row.first(where: {
        ($0 < 0 || $0 >= configuration.vocabulary) && rows[$0] == nil
      }) {
        throw DiffusionError.wrongFile(
          path: "tokenizer",
          what: "the id of a token is \(id), expected below \(configuration.vocabulary)",
          advice: "take the tokenizer that belongs to this text encoder")
      }
    }
    let x =
      unsafe Tensor(shape: [ids.count, positions, width]) { target in
        unsafe tokenEmbedding.withPointer { table in
          for (position, id) in ids.joined().enumerated() {
            if let row = rows[id] {
              unsafe (target + position * width).update(from: row, count: width)
            } else {
              unsafe (target + position * width).update(from: table + id * width, count: width)
            }
          }
        }
      } + positionEmbedding.sliced(axis: 0, 0..<positions)
    try x.requireFinite(path + ".embeddings")
    return x
  }

  private func run(_ layers: ArraySlice<Layer>, on x: Tensor) throws -> Tensor {
    var x = x
    for index in layers.indices {
      x = layers[index](x)
      try x.requireFinite(path + ".encoder.layers.\(index)")
    }
    return x
  }

  private func normed(_ x: Tensor) throws -> Tensor {
    let normed = finalNorm(x)
    try normed.requireFinite(path + ".final_layer_norm")
    return normed
  }

  /// Causal self-attention and a feed-forward layer, each around a shortcut.
  private struct Layer {
    let norm1: LayerNorm
    let query, key, value, output: Linear
    let heads: Int
    let norm2: LayerNorm
    let expand, contract: Linear
    let activation: Activation

    init(_ scope: ParameterScope, _ configuration: TextConfiguration) throws {
      let width = configuration.width
      let attention = scope["self_attn"]
      norm1 = try LayerNorm(scope["layer_norm1"], width, epsilon: configuration.epsilon)
      query = try Linear(attention["q_proj"], width, width)
      key = try Linear(attention["k_proj"], width, width)
      value = try Linear(attention["v_proj"], width, width)
      output = try Linear(attention["out_proj"], width, width)
      heads = configuration.heads
      norm2 = try LayerNorm(scope["layer_norm2"], width, epsilon: configuration.epsilon)
      expand = try Linear(scope["mlp"]["fc1"], width, configuration.hidden)
      contract = try Linear(scope["mlp"]["fc2"], configuration.hidden, width)
      activation = configuration.activation
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let normed = norm1(x)
      let width = x.shape[2]
      let attended = query(normed).attention(
        keys: key(normed), values: value(normed), heads: heads,
        scale: 1 / Float(width / heads).squareRoot(), causal: true)
      let hidden = output(attended) + x
      return contract(expand(norm2(hidden)).activated(activation)) + hidden
    }
  }
}
