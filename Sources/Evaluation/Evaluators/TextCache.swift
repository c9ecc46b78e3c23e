internal import Synchronization
internal import TensorEngine

/// Vectors of texts that were computed, since every picture of a prompt asks for the same.
final class TextCache: Sendable {
  private let vectors = Mutex<[String: Tensor]>([:])

  /// Texts that are kept; a suite has some hundreds.
  private static let capacity = 1 << 14

  /// What is kept for `text`, or what `compute` gives for it, which is then kept.
  func vector(of text: String, _ compute: () throws -> Tensor) rethrows -> Tensor {
    if let known = vectors.withLock({ $0[text] }) { return known }
    let vector = try compute()
    vectors.withLock { vectors in
      if vectors.count >= Self.capacity { vectors.removeAll() }
      vectors[text] = vector
    }
    return vector
  }

  /// What is kept for each of `texts`, or what `compute` gives, row by row, for those that are not, all at
  /// once.
  func vectors(of texts: [String], _ compute: ([String]) throws -> Tensor) rethrows -> [Tensor] {
    let known = vectors.withLock { vectors in texts.map { vectors[$0] } }
    var missing: [String] = []
    for (text, vector) in zip(texts, known) where vector == nil && !missing.contains(text) {
      missing.append(text)
    }
    var computed: [String: Tensor] = [:]
    if !missing.isEmpty {
      let rows = try compute(missing)
      for (row, text) in missing.enumerated() {
        computed[text] = rows.sliced(axis: 0, row..<row + 1)
      }
      vectors.withLock { vectors in
        if vectors.count >= Self.capacity { vectors.removeAll() }
        vectors.merge(computed) { $1 }
      }
    }
    return zip(texts, known).compactMap { text, vector in vector ?? computed[text] }
  }
}
