internal import Diffusion
internal import TensorEngine

/// BERT whose layers also attend to tokens of something else, as of a picture.
///
/// Each layer has self-attention, cross-attention and a feed-forward part, with a norm after each
/// shortcut.
///
/// - Reference: Devlin et al., BERT, NAACL 2019; Li et al., BLIP, ICML 2022; transformers
///   `models/blip/modeling_blip_text.py`, `BlipTextModel`.
struct BERTModel: Sendable {
  let configuration: BERTConfiguration
  /// Shape `[id, width]`.
  private let words: Tensor
  /// Shape `[position, width]`.
  private let positions: Tensor
  private let norm: LayerNorm
  private let layers: [Layer]
  private let path: String

  /// Reads the weights below `scope`, as in `text_encoder` or `text_decoder.bert`.
  /// - Throws: `FileError` for a type that is not read; what is missing is told by the end of loading.
  init(_ scope: ParameterScope, _ configuration: BERTConfiguration) throws {
    self.configuration = configuration
    path = scope.path
    let embeddings = scope["embeddings"]
    words = try embeddings["word_embeddings"].tensor(
      "weight", [configuration.vocabulary, configuration.width])
    positions = try embeddings["position_embeddings"].tensor(
      "weight", [configuration.positions, configuration.width])
    norm = try LayerNorm(
      embeddings["LayerNorm"], configuration.width, epsilon: configuration.epsilon)
    layers = try (0..<configuration.layers).map {
      try Layer(scope["encoder"]["layer"][$0], configuration)
    }
  }

  /// Keys and values of what is read besides the text, which are the same for every text.
  struct Context: Sendable {
    /// `[1, token, width]`, by layer.
    fileprivate let keys, values: [Tensor]
  }

  /// Keys and values of a text's tokens so far.
  struct Past: Sendable {
    /// `[text, position, width]`, by layer; empty before the first token.
    fileprivate var keys: [Tensor] = []
    fileprivate var values: [Tensor] = []

    fileprivate var positions: Int { keys.first?.shape[1] ?? 0 }

    /// The pasts of some of the texts, in another order, or several times.
    func texts(_ order: [Int]) -> Past {
      func chosen(_ x: Tensor) -> Tensor {
        .concatenated(order.map { x.sliced(axis: 0, $0..<$0 + 1) }, axis: 0)
      }
      return Past(keys: keys.map(chosen), values: values.map(chosen))
    }
  }

  /// Prepares what texts attend to.
  /// - Parameter states: `[1, token, contextWidth]`.
  func context(_ states: Tensor) -> Context {
    Context(
      keys: layers.map { $0.cross.key(states) }, values: layers.map { $0.cross.value(states) })
  }

  /// The states of a text whose tokens see all of it, `[1, position, width]`.
  /// - Throws: `DiffusionError` for an id or a number of them that the model lacks, or a result that is
  ///   not finite.
  func encode(_ ids: [Int], _ context: Context) throws -> Tensor {
    try states([ids], context, isCausal: false, past: nil).states
  }

  /// The states of the tokens that texts go on with, which see those before them,
  /// `[text, position, width]`.
  ///
  /// - Parameters:
  ///   - ids: the same number for each text: any where nothing is past, and one otherwise.
  ///   - past: what the texts began with; these ids are added to it.
  /// - Throws: as ``encode(_:_:)``.
  func decode(_ ids: [[Int]], _ context: Context, past: inout Past) throws -> Tensor {
    let result = try states(ids, context, isCausal: true, past: past)
    past = result.past
    return result.states
  }

  private func states(
    _ ids: [[Int]], _ context: Context, isCausal: Bool, past: Past?
  ) throws -> (states: Tensor, past: Past) {
    let count = ids.first?.count ?? 0
    let start = past?.positions ?? 0
    guard count > 0, start + count <= configuration.positions else {
      throw DiffusionError.invalidRequest(
        what: "the number of a text's token ids", got: String(start + count),
        expected: "1 to \(configuration.positions), the positions of \(path)")
    }
    if let id = ids.joined().first(where: { $0 < 0 || $0 >= configuration.vocabulary }) {
      throw DiffusionError.invalidRequest(
        what: "a token id", got: String(id),
        expected: "below \(configuration.vocabulary): the tokenizer is not that of \(path)")
    }
    let rows = ids.joined().map { words.sliced(axis: 0, $0..<$0 + 1) }
    var x = norm(
      Tensor.concatenated(rows, axis: 0).reshaped([ids.count, count, configuration.width])
        + positions.sliced(axis: 0, start..<start + count))
    var (keys, values): ([Tensor], [Tensor]) = ([], [])
    for (index, layer) in layers.enumerated() {
      var (key, value) = (layer.attention.key(x), layer.attention.value(x))
      if let past, start > 0 {
        key = .concatenated([past.keys[index], key], axis: 1)
        value = .concatenated([past.values[index], value], axis: 1)
      }
      keys.append(key)
      values.append(value)
      // A single token sees all that is there.
      let attended = layer.attention(x, key, value, isCausal: isCausal && count > 1)
      // The texts' tokens all see the same context, so that they are queries side by side.
      let flat = attended.reshaped([1, ids.count * count, configuration.width])
      let read = layer.cross(
        flat, context.keys[index], context.values[index], isCausal: false)
      x = layer.feedForward(read).reshaped(attended.shape)
    }
    try x.requireFinite(path)
    return (x, Past(keys: keys, values: values))
  }

  /// Attention around a shortcut, and a norm after it.
  private struct Attention {
    let query, key, value, output: Linear
    let norm: LayerNorm
    let heads: Int

    init(_ scope: ParameterScope, _ configuration: BERTConfiguration, source: Int) throws {
      let width = configuration.width
      query = try Linear(scope["self"]["query"], width, width)
      key = try Linear(scope["self"]["key"], source, width)
      value = try Linear(scope["self"]["value"], source, width)
      output = try Linear(scope["output"]["dense"], width, width)
      norm = try LayerNorm(scope["output"]["LayerNorm"], width, epsilon: configuration.epsilon)
      heads = configuration.heads
    }

    func callAsFunction(
      _ x: Tensor, _ keys: Tensor, _ values: Tensor, isCausal: Bool
    ) -> Tensor {
      let attended = query(x).attention(
        keys: keys, values: values, heads: heads,
        scale: 1 / Float(x.shape[2] / heads).squareRoot(), causal: isCausal)
      return norm(output(attended) + x)
    }
  }

  private struct Layer {
    let attention, cross: Attention
    let expand, contract: Linear
    let norm: LayerNorm
    let activation: Activation

    init(_ scope: ParameterScope, _ configuration: BERTConfiguration) throws {
      let width = configuration.width
      attention = try Attention(scope["attention"], configuration, source: width)
      cross = try Attention(
        scope["crossattention"], configuration, source: configuration.contextWidth)
      expand = try Linear(scope["intermediate"]["dense"], width, configuration.hidden)
      contract = try Linear(scope["output"]["dense"], configuration.hidden, width)
      norm = try LayerNorm(scope["output"]["LayerNorm"], width, epsilon: configuration.epsilon)
      activation = configuration.activation
    }

    func feedForward(_ x: Tensor) -> Tensor {
      norm(contract(expand(x).activated(activation)) + x)
    }
  }
}
