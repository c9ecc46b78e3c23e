package import PromptText
internal import TensorEngine

/// The text encoders of a checkpoint with their tokenizers: one in SD 1.x and 2.x, two in SDXL.
///
/// Both of SDXL read the same positions, so that a token has one key in each cross-attention.
///
/// - Reference: diffusers `pipeline_stable_diffusion_xl.py`, `encode_prompt`.
package struct TextEncoders: Sendable {
  /// Reads texts for the first.
  package let tokenizer: CLIPTokenizer
  private let model: CLIPTextModel
  private let second: (tokenizer: CLIPTokenizer, model: CLIPTextModel)?

  package init(
    _ tokenizer: CLIPTokenizer, _ model: CLIPTextModel,
    second: (tokenizer: CLIPTokenizer, model: CLIPTextModel)? = nil
  ) {
    self.tokenizer = tokenizer
    self.model = model
    self.second = second
  }

  /// A text as the second encoder reads it, in as many windows as the first; `nil` where there is one encoder.
  package func second(of text: String, like table: TokenTable, as reading: PromptReading)
    -> TokenTable?
  {
    second?.tokenizer.encode(
      text, as: reading, windows: table.tokens.count / tokenizer.window)
  }

  /// The embedding of a text: its windows one after the other, each encoded by itself.
  ///
  /// - Parameters:
  ///   - table: the text as the first encoder reads it.
  ///   - other: as the second does, in as many windows; `nil` where there is one.
  ///   - clipSkip: how many of the text encoder's last layers are left out.
  /// - Returns: `[1, token, width]`.
  /// - Throws: ``DiffusionError``.
  package func embedding(
    of table: TokenTable, _ other: TokenTable? = nil, clipSkip: Int = 0
  ) throws -> PromptEmbedding {
    guard let second else {
      return PromptEmbedding(Self.whole(try model(windows(table), clipSkip: clipSkip), table))
    }
    let other =
      other
      ?? second.tokenizer.encode(
        table.prompt, windows: table.tokens.count / tokenizer.window)
    let first = try model.penultimate(windows(table), clipSkip: clipSkip)
    let last = try second.model.penultimate(windows(other), clipSkip: clipSkip)
    return PromptEmbedding(
      .concatenated(
        [Self.whole(first.hidden, table), Self.whole(last.hidden, other)],
        axis: 2),
      pooled: last.pooled)
  }

  /// The vector of the last token of each of many short texts, `[width]`, each encoded by itself.
  ///
  /// What comes after a token changes nothing of it, so that only as much is encoded as there is.
  /// - Throws: ``DiffusionError``.
  func lastVectors(of texts: [String], clipSkip: Int = 0) throws -> [Tensor] {
    let first = try Self.lasts(texts.map { tokenizer.encode($0) }) { [model] ids in
      try second == nil
        ? model(ids, clipSkip: clipSkip) : model.penultimate(ids, clipSkip: clipSkip).hidden
    }
    guard let second else { return first }
    let last = try Self.lasts(texts.map { second.tokenizer.encode($0) }) {
      try second.model.penultimate($0, clipSkip: clipSkip).hidden
    }
    return zip(first, last).map { .concatenated([$0, $1], axis: 0) }
  }

  /// How many texts are encoded at once.
  private static let batch = 64

  private static func lasts(
    _ tables: [TokenTable], _ encode: ([[Int]]) throws -> Tensor
  ) throws -> [Tensor] {
    var vectors = [Tensor?](repeating: nil, count: tables.count)
    for (end, places) in Dictionary(grouping: tables.indices, by: { tables[$0].end }) {
      for start in stride(from: 0, to: places.count, by: batch) {
        let some = places[start..<min(start + batch, places.count)]
        let hidden = try encode(some.map { tables[$0].tokens.prefix(end).map(\.id) })
        for (row, place) in some.enumerated() {
          vectors[place] = hidden.sliced(axis: 0, row..<row + 1)
            .sliced(axis: 1, end - 1..<end).reshaped([hidden.shape[2]])
        }
      }
    }
    return vectors.compactMap(\.self)
  }

  /// The ids of each window.
  private func windows(_ table: TokenTable) -> [[Int]] {
    let ids = table.tokens.map(\.id)
    return stride(from: 0, to: ids.count, by: tokenizer.window).map {
      Array(ids[$0..<min($0 + tokenizer.window, ids.count)])
    }
  }

  /// `[window, position, width]` as the vectors of one text, times the weights of its tokens.
  private static func whole(_ hidden: Tensor, _ table: TokenTable) -> Tensor {
    weighted(
      hidden.reshaped([1, table.tokens.count, hidden.shape[2]]),
      by: table.tokens.map { $0.weight ?? 1 }, window: hidden.shape[1])
  }

  /// `[1, token, width]` with each token's vector times its weight, and each window brought back to the mean
  /// of its numbers.
  ///
  /// - Reference: AUTOMATIC1111/stable-diffusion-webui `modules/sd_emphasis.py`, `EmphasisOriginal`.
  private static func weighted(_ hidden: Tensor, by weights: [Double], window: Int) -> Tensor {
    guard weights.contains(where: { $0 != 1 }) else { return hidden }
    let width = hidden.shape[2]
    var values = hidden.values
    for first in stride(from: 0, to: weights.count, by: window) {
      let tokens = first..<first + window
      guard weights[tokens].contains(where: { $0 != 1 }) else { continue }
      let numbers = first * width..<(first + window) * width
      let before = values[numbers].reduce(0.0) { $0 + Double($1) }
      for token in tokens {
        for place in token * width..<(token + 1) * width { values[place] *= Float(weights[token]) }
      }
      let ratio = Float(before / values[numbers].reduce(0.0) { $0 + Double($1) })
      for place in numbers { values[place] *= ratio }
    }
    return Tensor(values, shape: hidden.shape)
  }
}
