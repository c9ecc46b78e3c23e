package import PromptText

extension TokenTable {
  /// The token at a position; `nil` for one that the table lacks.
  package func token(_ index: Int) -> Token? {
    tokens.indices.contains(index) ? tokens[index] : nil
  }

  /// The word that a token belongs to, or what else it is, as word references have it.
  package func label(of index: Int) -> String {
    word(of: index)?.text ?? token(index)?.special.map { "<\($0.rawValue)>" } ?? ""
  }

  /// The word that a token belongs to, if it does to one.
  package func word(of index: Int) -> Word? {
    guard let word = token(index)?.word, words.indices.contains(word) else { return nil }
    return words[word]
  }
}
