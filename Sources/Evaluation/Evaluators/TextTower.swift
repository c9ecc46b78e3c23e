internal import Diffusion
internal import PromptText
internal import TensorEngine

/// The text side of CLIP and OWL-ViT: texts in, vectors of length 1 out.
///
/// - Reference: transformers `models/clip/modeling_clip.py`, `get_text_features`, and
///   `models/owlvit/modeling_owlvit.py`, `OwlViTTextTransformer`.
struct TextTower: Sendable {
  /// Which position stands for a text.
  enum Pooling: Sendable, Equatable {
    /// The first that holds this id, the end token's.
    case first(Int)
    /// The first that holds the largest id of the text: where configurations name no end token, or 2, as all
    /// of OpenAI's do.
    case largest
  }

  let model: CLIPTextModel
  let tokenizer: CLIPTokenizer
  let projection: Linear
  let pooling: Pooling

  /// Texts that are encoded at a time: what is between the layers stays in the cache.
  private static let batch = 32

  /// The token ids of a text that fill the window, and where its vector is read.
  func ids(of text: String) -> (ids: [Int], end: Int) {
    let ids = tokenizer.encode(text).tokens.map(\.id)
    let end =
      switch pooling {
      case .first(let id): ids.firstIndex(of: id)
      case .largest: ids.max().flatMap { ids.firstIndex(of: $0) }
      }
    return (ids, end ?? 0)
  }

  /// Whether the window cuts a text.
  func cuts(_ text: String) -> Bool { !tokenizer.encode(text).leftOut.isEmpty }

  /// The vectors of texts, `[text, width]`, of length 1.
  ///
  /// Positions behind the one that is read are not computed: no position sees a later one.
  /// - Precondition: there is at least one text.
  /// - Throws: `DiffusionError` when the tokenizer is another model's, or a result is not finite.
  func callAsFunction(_ texts: [String]) throws -> Tensor {
    var parts: [Tensor] = []
    for first in stride(from: 0, to: texts.count, by: Self.batch) {
      let some = texts[first..<min(first + Self.batch, texts.count)].map(ids)
      let length = (some.map(\.end).max() ?? 0) + 1
      let states = try model(some.map { Array($0.ids.prefix(length)) })
      let rows = states.reshaped([some.count * length, model.configuration.width])
      let pooled = some.enumerated().map { index, text in
        let row = index * length + text.end
        return rows.sliced(axis: 0, row..<row + 1)
      }
      parts.append(projection(.concatenated(pooled, axis: 0)))
    }
    let vectors = Tensor.concatenated(parts, axis: 0).unitRows()
    try vectors.requireFinite("text_projection")
    return vectors
  }
}
