internal import PromptText

extension TokenTable {
  /// Where the words of subjects stand among those of the prompt, ascending.
  func places(of subjects: [Subject]) -> [Int] {
    let tokens = Set(subjects.flatMap(\.tokens))
    return words.indices.filter { !tokens.isDisjoint(with: words[$0].tokens) }
  }

  /// The words at some places, as they are written.
  func text(at places: some Sequence<Int>) -> String {
    places.map { words[$0].text }.joined(separator: " ")
  }
}
