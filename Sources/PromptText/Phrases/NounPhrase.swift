/// Words of a prompt that name one thing: its noun, and what is said of it.
public struct NounPhrase: Hashable, Sendable {
  /// As the user wrote it.
  public let text: String
  /// The part of the prompt it covers, as UTF-8 offsets.
  public let range: Range<Int>
  /// Its tokens, each after the one before, articles included.
  public let tokens: [Int]
  /// What it names: the last of its nouns.
  public let noun: TokenTable.Word
  /// Adjectives, colours, participles and the nouns before the last, in their order; words that say
  /// which or how many, and how much, are none.
  public let modifiers: [TokenTable.Word]

  /// The phrase at `range` of a prompt, whose noun and modifiers are words of it.
  public init(
    text: String, range: Range<Int>, tokens: [Int], noun: TokenTable.Word,
    modifiers: [TokenTable.Word]
  ) {
    self.text = text
    self.range = range
    self.tokens = tokens
    self.noun = noun
    self.modifiers = modifiers
  }

  /// One line for messages, as in `a red car (car: red)`.
  public var summary: String {
    modifiers.isEmpty
      ? text : "\(text) (\(noun.text): \(modifiers.map(\.text).joined(separator: ", ")))"
  }
}
