internal import AttentionTrace
package import PromptText
package import TensorEngine

/// Which tokens of two prompts correspond, so that maps can be transferred.
///
/// Word by word (``Form/words``), start and end tokens correspond, and padding stands for padding: at the
/// same position, or the source's first padding where the source is longer. The published code's
/// ``Form/code`` is `seq_aligner.py`'s.
public struct PromptAlignment: Hashable, Sendable {
  /// How the source's words were edited.
  public enum Edit: String, Hashable, Sendable, CaseIterable {
    /// Words were replaced by as many others, and the maps of all words are taken.
    case replacement
    /// Words were added or taken away, and the maps of what both prompts have are taken.
    case refinement
  }

  /// How tokens correspond where the prompts, or replaced words, have other numbers of tokens.
  public enum Form: String, Hashable, Sendable, CaseIterable {
    /// Word by word, and padding by padding.
    case words
    /// As published: in a refinement padding takes the source's token at the same index, which may be a
    /// word; after the last word that a replacement replaced, so does every token.
    case code
  }

  /// For each token of the target: the tokens of the source whose maps it takes, and the share of
  /// each of them; none for a token that keeps its own map.
  package let sources: [[Int]]
  /// For each token of the target: the share of its sources that it gets.
  package let shares: [Float]

  /// Aligns two prompts.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when a replacement has another
  ///   number of words.
  package init(
    from source: TokenTable, to target: TokenTable, _ edit: Edit, _ form: Form = .words
  ) throws {
    if form == .code {
      let tokens = try PublishedAlignment(from: source, to: target, edit).tokens
      (sources, shares) = (tokens.map(\.sources), tokens.map(\.share))
      return
    }
    let text =
      switch edit {
      case .replacement: try Self.replaced(source, target)
      case .refinement: Self.common(source, target)
      }
    let last = source.tokens.count - 1
    sources = target.tokens.indices.map { index in
      if index == 0 { return [0] }
      if index < target.end { return text[index]?.sources ?? [] }
      return index == target.end ? [source.end] : [max(index, min(source.end + 1, last))]
    }
    shares = target.tokens.indices.map { text[$0]?.share ?? 1 }
  }

  /// Word for word: as many tokens one by one, otherwise the sum of the word's maps in equal shares.
  private static func replaced(
    _ source: TokenTable, _ target: TokenTable
  ) throws -> [Int: (sources: [Int], share: Float)] {
    var found: [Int: (sources: [Int], share: Float)] = [:]
    for (old, new, _) in try wordPairs(source, target) {
      for (place, token) in new.enumerated() {
        found[token] =
          old.count == new.count ? ([old[place]], 1) : (old, 1 / Float(new.count))
      }
    }
    return found
  }

  /// The tokens of each word of both prompts, and whether it is the same word.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when one has more words.
  static func wordPairs(
    _ source: TokenTable, _ target: TokenTable
  ) throws -> [(old: [Int], new: [Int], isSame: Bool)] {
    let (old, new) = (source.words, target.words)
    try DiffusionError.require(
      old.count == new.count, "the source prompt", "\(old.count) words",
      "\(new.count), as many as the prompt has, for replacement; refinement adds or drops words")
    return zip(old, new).map { old, new in
      let isSame =
        old.tokens.map { source.tokens[$0].id } == new.tokens.map { target.tokens[$0].id }
      return (old.tokens, new.tokens, isSame)
    }
  }

  /// A longest common subsequence of the prompts' tokens, which is what Needleman and Wunsch's
  /// alignment gives where a match counts 1, a mismatch −1 and a gap nothing.
  private static func common(
    _ source: TokenTable, _ target: TokenTable
  ) -> [Int: (sources: [Int], share: Float)] {
    let old = source.tokens[1..<source.end].map(\.id)
    let new = target.tokens[1..<target.end].map(\.id)
    var lengths = [[Int]](
      repeating: [Int](repeating: 0, count: new.count + 1), count: old.count + 1)
    for i in old.indices.reversed() {
      for j in new.indices.reversed() {
        lengths[i][j] =
          old[i] == new[j]
          ? lengths[i + 1][j + 1] + 1 : max(lengths[i + 1][j], lengths[i][j + 1])
      }
    }
    var found: [Int: (sources: [Int], share: Float)] = [:]
    var (i, j) = (0, 0)
    while i < old.count, j < new.count {
      if old[i] == new[j] {
        found[j + 1] = ([i + 1], 1)
        (i, j) = (i + 1, j + 1)
      } else if lengths[i + 1][j] >= lengths[i][j + 1] {
        i += 1
      } else {
        j += 1
      }
    }
    return found
  }

  /// The source's maps as the target's, and the target's own where it has no source.
  ///
  /// - Parameters:
  ///   - source: `[1, head, pixel, token]`.
  ///   - own: the target's, of the same shape.
  package func edited(_ source: Tensor, own: Tensor) -> Tensor {
    let (shape, tokens) = (own.shape, own.shape[3])
    let (source, own) = (source.values, own.values)
    var edited = own
    for row in stride(from: 0, to: own.count, by: tokens) {
      for token in 0..<tokens where !sources[token].isEmpty {
        let sum = sources[token].reduce(Float(0)) { $0 + source[row + $1] }
        edited[row + token] = sum * shares[token]
      }
    }
    return Tensor(edited, shape: shape)
  }
}
