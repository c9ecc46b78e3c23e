internal import PromptText

/// Which tokens of two prompts correspond, as prompt-to-prompt's published code has it.
///
/// - Reference: github.com/google/prompt-to-prompt `seq_aligner.py`, `get_replacement_mapper` and
///   `get_refinement_mapper`.
struct PublishedAlignment {
  /// For each token of the target: the tokens of the source whose maps it takes, and the share of each;
  /// none for a token that keeps its own map.
  let tokens: [(sources: [Int], share: Float)]

  /// Aligns two prompts.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` when a replacement has another
  ///   number of words.
  init(from source: TokenTable, to target: TokenTable, _ edit: PromptAlignment.Edit) throws {
    tokens =
      switch edit {
      case .replacement:
        Self.replaced(try PromptAlignment.wordPairs(source, target), of: target.tokens.count)
      case .refinement: Self.refined(source, target)
      }
  }

  /// Replaced words take their sources' maps.
  ///
  /// Before the last of them tokens correspond in their order, and after it by index; tokens that the
  /// walk does not reach get no attention at all.
  private static func replaced(
    _ words: [(old: [Int], new: [Int], isSame: Bool)], of count: Int
  ) -> [(sources: [Int], share: Float)] {
    var tokens = [(sources: [Int], share: Float)](repeating: ([0], 0), count: count)
    var rest = words.filter { !$0.isSame }[...]
    var (old, new) = (0, 0)
    while old < count, new < count {
      guard let word = rest.first else {
        tokens[new] = ([new], 1)
        (old, new) = (old + 1, new + 1)
        continue
      }
      guard word.old.first == old else {
        tokens[new] = ([old], 1)
        (old, new) = (old + 1, new + 1)
        continue
      }
      for (place, token) in word.new.enumerated() {
        tokens[token] =
          word.old.count == word.new.count
          ? ([word.old[place]], 1) : (word.old, 1 / Float(word.new.count))
      }
      (old, new) = (old + word.old.count, new + word.new.count)
      rest = rest.dropFirst()
    }
    return tokens
  }

  /// Needleman and Wunsch's alignment of start, text and end token, and padding by its index.
  ///
  /// A match counts 1, a mismatch −1, a gap nothing. Of equal ways back the one that adds a token of the
  /// target comes first, then the one that drops one of the source.
  private static func refined(
    _ source: TokenTable, _ target: TokenTable
  ) -> [(sources: [Int], share: Float)] {
    let old = source.tokens[...source.end].map(\.id)
    let new = target.tokens[...target.end].map(\.id)
    var scores = [[Int]](
      repeating: [Int](repeating: 0, count: new.count + 1), count: old.count + 1)
    for i in 1...old.count {
      for j in 1...new.count {
        let diagonal = scores[i - 1][j - 1] + (old[i - 1] == new[j - 1] ? 1 : -1)
        scores[i][j] = max(scores[i][j - 1], scores[i - 1][j], diagonal)
      }
    }
    var tokens = target.tokens.indices.map { (sources: [$0], share: Float(1)) }
    var (i, j) = (old.count, new.count)
    while j > 0 {
      if i == 0 || scores[i][j] == scores[i][j - 1] {
        j -= 1
        tokens[j] = ([], 1)
      } else if scores[i][j] == scores[i - 1][j] {
        i -= 1
      } else {
        (i, j) = (i - 1, j - 1)
        tokens[j] = ([i], 1)
      }
    }
    return tokens
  }
}
