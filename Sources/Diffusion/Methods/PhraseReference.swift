internal import AttentionTrace
internal import PromptText

extension TokenTable {
  /// The part of the prompt that a name stands for, as UTF-8 offsets.
  /// - Throws: `TextError` when the prompt has no such words, or several.
  func range(of name: String) throws -> Range<Int> {
    let ranges = try WordReference(name).tokens(in: self).compactMap { tokens[$0].range }
    guard let first = ranges.map(\.lowerBound).min(), let last = ranges.map(\.upperBound).max()
    else {
      throw TextError.noPhrase(text: name)
    }
    return first..<last
  }

  /// A name for a phrase, with its number where the prompt has the phrase several times.
  func reference(to phrase: NounPhrase) -> String {
    func isMeant(by name: String) -> Bool { (try? range(of: name)) == phrase.range }
    if isMeant(by: phrase.text) { return phrase.text }
    let numbered = (1...max(words.count, 1)).map { "\(phrase.text)#\($0)" }
    return numbered.first(where: isMeant) ?? phrase.text
  }
}
