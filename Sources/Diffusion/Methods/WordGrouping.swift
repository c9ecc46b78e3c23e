public import PromptText

/// A method that reads nouns with their modifiers.
public protocol WordGrouping: Method {
  /// Words of each group, the noun last; `nil` for the noun phrases of the prompt.
  var groups: [[String]]? { get set }
}

extension WordGrouping {
  /// The knob of its groups.
  public static var groupsKnob: Knob<Self> {
    Knob(
      "groups",
      "Nouns with their modifiers, the noun last. (default: the noun phrases of the prompt)",
      placeholder: "words; …", expected: "words, as in \"red car; white sheep\"",
      write: { $0.groups.map { $0.map { $0.joined(separator: " ") }.joined(separator: "; ") } },
      read: { method, text in
        let groups = text.split(separator: ";", omittingEmptySubsequences: false).map {
          $0.split(separator: " ").map(String.init)
        }
        guard groups.allSatisfy({ !$0.isEmpty }) else { return text.isEmpty }
        method.groups = groups
        return true
      })
  }

  public func nouns(in prompt: TokenTable) throws -> [Subject]? {
    try wordGroups(in: prompt).map(\.noun)
  }

  public var marks: Set<PromptMark> { groups == nil ? [.phrases] : [] }

  public mutating func read(_ markup: PromptMarkup, in prompt: TokenTable) throws {
    guard groups == nil, !markup.phrases.isEmpty else { return }
    groups = try NounPhraseFinder.phrases(at: markup.phrases, in: prompt).map {
      WordGroup($0, in: prompt).words.map(\.name)
    }
  }

  /// The same method with the words of its groups in a prompt.
  /// - Throws: as ``wordGroups(in:)``.
  func namingGroups(in prompt: TokenTable) throws -> Self {
    var method = self
    method.groups = try wordGroups(in: prompt).map { $0.words.map(\.name) }
    return method
  }

  /// The groups in a prompt.
  /// - Throws: `TextError` for a word that is not in the prompt, ``DiffusionError`` for a noun of two groups.
  public func wordGroups(in prompt: TokenTable) throws -> [WordGroup] {
    guard let groups else {
      return WordGroup.things(in: prompt)
    }
    let named = try groups.map { names in
      let words = try SubjectSelection.subjects(named: names, in: prompt)
      return WordGroup(noun: words[words.count - 1], modifiers: words.dropLast())
    }
    let nouns = named.map(\.noun)
    if let twice = nouns.first(where: { noun in nouns.count { $0.tokens == noun.tokens } > 1 }) {
      throw DiffusionError.knob(
        name: "groups", reason: "has \(twice.name) as the noun (the last word) of two groups")
    }
    return named
  }
}

extension WordGroup {
  /// Nouns that say where a thing is, as in "to the left of", and are none.
  private static let places: Set<String> = [
    "left", "right", "top", "bottom", "side", "front", "middle", "center", "centre",
  ]

  /// The noun phrases of a prompt, without those that say where a thing is.
  static func things(in prompt: TokenTable) -> [WordGroup] {
    NounPhraseFinder.phrases(in: prompt).filter { !places.contains($0.noun.text) }
      .map { WordGroup($0, in: prompt) }
  }

  /// The noun of a phrase and its modifiers.
  init(_ phrase: NounPhrase, in prompt: TokenTable) {
    self.init(
      noun: prompt.subject(of: phrase.noun),
      modifiers: phrase.modifiers.map(prompt.subject(of:)))
  }
}
