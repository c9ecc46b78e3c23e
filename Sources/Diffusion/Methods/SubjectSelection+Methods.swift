package import PromptText

extension SubjectSelection {
  /// The subjects of a prompt for which none are named: those that the prompt makes certain, else the
  /// nouns that the first of `methods` finds by itself, else, where nouns are taken, those of the prompt's
  /// noun phrases but for nouns that say where a thing is.
  /// - Throws: ``DiffusionError`` when groups cannot be read; `TextError` where subjects are needed and
  ///   none are found.
  package static func found(
    for methods: [any Method], in prompt: TokenTable, areNeeded: Bool, takesNouns: Bool = false
  ) throws -> [Subject] {
    if let certain = certain(in: prompt) { return certain }
    for method in methods {
      if let nouns = try method.nouns(in: prompt), !nouns.isEmpty { return nouns }
    }
    if takesNouns {
      let nouns = WordGroup.things(in: prompt).map(\.noun)
      if !nouns.isEmpty { return nouns }
    }
    return areNeeded ? try subjects(named: [], in: prompt) : []
  }
}
