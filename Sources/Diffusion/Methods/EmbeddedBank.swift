internal import TensorEngine

/// Words with the vectors of their last tokens.
struct EmbeddedBank: Sendable {
  let words: [String]
  let vectors: [Tensor]

  /// The closest words by the cosine, the word itself among them.
  func closest(_ count: Int, to word: String, _ vector: Tensor) -> [String] {
    var all = zip(words, vectors).map {
      ($0, MapDistance.cosineSimilarity($1, vector).item)
    }
    if !words.contains(word) { all.append((word, 1)) }
    return all.sorted { $0.1 > $1.1 }.prefix(count).map(\.0)
  }
}
