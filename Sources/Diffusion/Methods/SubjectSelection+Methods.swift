package import PromptText

extension SubjectSelection {
  /// The subjects of a prompt for which none are named: those that the prompt makes certain, else the
  /// nouns that the first of `methods` with groups reads.
  /// - Throws: ``DiffusionError`` when groups cannot be read; `TextError` where subjects are needed and
  ///   none are found.
  package static func found(
    for methods: [any Method], in prompt: TokenTable, areNeeded: Bool
  ) throws -> [Subject] {
    if let certain = certain(in: prompt) { return certain }
    let nouns = try methods.lazy.compactMap { $0 as? any GroupMethod }.first.map {
      try $0.wordGroups(in: prompt).map(\.noun)
    }
    if let nouns, !nouns.isEmpty { return nouns }
    return areNeeded ? try subjects(named: [], in: prompt) : []
  }
}
