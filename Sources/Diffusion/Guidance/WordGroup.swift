internal import AttentionTrace
public import PromptText

/// A noun and the words that say what it is like, as in `red car`.
public struct WordGroup: Hashable, Sendable {
  /// The noun.
  public let noun: Subject
  /// The words that describe it; may be empty.
  public let modifiers: [Subject]

  /// A noun with the words that modify it.
  public init(noun: Subject, modifiers: [Subject] = []) {
    self.noun = noun
    self.modifiers = modifiers
  }

  /// Modifiers and noun, the noun last.
  public var words: [Subject] { modifiers + [noun] }

  /// Every token of the group.
  public var tokens: [Int] { words.flatMap(\.tokens) }

  /// - Throws: ``DiffusionError`` if there are none.
  static func requireSome(_ groups: [WordGroup]) throws {
    try DiffusionError.require(
      !groups.isEmpty, "the groups of words", "empty",
      "a noun with its modifiers, as in --groups \"red car\"")
  }
}

extension Sequence<WordGroup> {
  /// Every word of every group.
  var words: [Subject] { flatMap(\.words) }
  /// Every noun.
  var nouns: [Subject] { map(\.noun) }
}
