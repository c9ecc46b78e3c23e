/// A user's name for some of a prompt's tokens: one language for subjects, recordings, recipes, sheets
/// and exports.
///
/// | reference | what it means |
/// | --- | --- |
/// | `frog` | a word, in any case, which the prompt has once |
/// | `red car`, `t-shirt` | words that follow each other, with all their pieces; punctuation between them must match, but gives no token of its own |
/// | `frog#2` | the second of several |
/// | `@5` | the token at an index, where 0 is the start token |
/// | `5` | the same; where the prompt has the number as a word and at another index, an error that names `@5` and `5#1` |
/// | `<start>`, `<end>`, `<padding>` | the tokens around the prompt, of each text encoder that has them |
///
/// It is resolved against a ``TokenTable`` alone: a recording's words are found without the tokenizer
/// that cut them.
public enum WordReference: Hashable, Sendable {
  /// The token before the prompt.
  case start
  /// The token after the prompt.
  case end
  /// The tokens that fill the window after the end token.
  case padding
  /// The token at a position of the window.
  case index(Int)
  /// A bare number, with its digits as they were written: an index, or a word of the prompt.
  case number(String)
  /// Words, and which of their occurrences, from 1; `nil` where the prompt must have only one.
  case words(String, occurrence: Int?)

  /// Reads one reference; white space around it does not count.
  /// - Throws: ``TextError/emptyName``.
  public init(_ text: String) throws(TextError) {
    let name = text.trimmingSpace()
    guard !name.isEmpty else { throw .emptyName }
    switch name {
    case "<start>": self = .start
    case "<end>": self = .end
    case "<padding>": self = .padding
    default:
      if Int(digits: name[...]) != nil {
        self = .number(name)
      } else if name.first == "@", let index = Int(digits: name.dropFirst()) {
        self = .index(index)
      } else if let mark = name.lastIndex(of: "#"), mark != name.startIndex,
        let occurrence = Int(digits: name[name.index(after: mark)...])
      {
        self = .words(String(name[..<mark]), occurrence: occurrence)
      } else {
        self = .words(name, occurrence: nil)
      }
    }
  }

  /// Reads references separated by commas, as in `cat, frog#2,@5`.
  /// - Throws: ``TextError/emptyName`` for an empty name before, between or after commas.
  public static func list(_ text: String) throws(TextError) -> [WordReference] {
    var references: [WordReference] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      references.append(try WordReference(String(part)))
    }
    return references
  }

  /// The positions of the tokens meant in the prompt's `table`, ascending; at least one.
  /// - Throws: ``TextError`` with the table when the prompt has no such tokens, or several.
  public func tokens(in table: TokenTable) throws(TextError) -> [Int] {
    try resolved(in: table).tokens
  }

  /// The tokens meant under the reference's name; a bare number that is an index is called `@5`.
  /// - Throws: as ``tokens(in:)``.
  public func subject(in table: TokenTable) throws(TextError) -> Subject {
    let (reference, tokens) = try resolved(in: table)
    return Subject(name: reference.description, tokens: tokens)
  }

  /// The positions of all tokens that `references` mean, each once, ascending.
  /// - Throws: as ``tokens(in:)``.
  public static func tokens(
    of references: [WordReference], in table: TokenTable
  ) throws(TextError) -> [Int] {
    var tokens: Set<Int> = []
    for reference in references { tokens.formUnion(try reference.tokens(in: table)) }
    return tokens.sorted()
  }

  /// The positions of all tokens that `references` mean in one text or more, each once, ascending.
  ///
  /// - Parameter texts: at least one text by its name in a sentence, as in `the negative prompt`.
  /// - Throws: as ``tokens(in:)`` for a reference that means nothing in any of them, of the first.
  package static func tokens(
    of references: [WordReference], inAnyOf texts: [(name: String, table: TokenTable)]
  ) throws(TextError) -> [Int] {
    var tokens: Set<Int> = []
    for reference in references {
      var failure: TextError?
      var found: Set<Int> = []
      for (name, table) in texts {
        do { found.formUnion(try reference.tokens(in: table)) } catch {
          failure = failure ?? .inText(name, error)
        }
      }
      if found.isEmpty, let failure { throw failure }
      tokens.formUnion(found)
    }
    return tokens.sorted()
  }

  /// The reference that says what a bare number means, and the tokens.
  private func resolved(
    in table: TokenTable
  ) throws(TextError) -> (reference: WordReference, tokens: [Int]) {
    switch self {
    case .start:
      let starts = table.encoderStarts.compactMap { first in
        table.tokens[first...].firstIndex { $0.special != .padding }
      }.filter { table.tokens[$0].special == .start }
      guard !starts.isEmpty else { throw .noSpecial(name: "\(self)", table: table.text()) }
      return (self, starts)
    case .end:
      let ends = table.ends
      guard !ends.isEmpty else { throw .noSpecial(name: "\(self)", table: table.text()) }
      return (self, ends)
    case .padding:
      let padding = table.tokens.indices.filter { table.tokens[$0].special == .padding }
      guard !padding.isEmpty else { throw .noPadding(table: table.text()) }
      return (self, padding)
    case .index(let index):
      guard table.tokens.indices.contains(index) else {
        throw .noSuchIndex(name: "@\(index)", last: table.tokens.count - 1, table: table.text())
      }
      return (self, [index])
    case .number(let digits): return try Self.resolved(number: digits, in: table)
    case .words(let name, let occurrence):
      return (self, try Self.tokens(of: name, occurrence, in: table))
    }
  }

  /// A bare number as the index or the word that it is; nothing is guessed where it could be both.
  private static func resolved(
    number digits: String, in table: TokenTable
  ) throws(TextError) -> (reference: WordReference, tokens: [Int]) {
    let places = table.places(of: digits)
    let index = Int(digits) ?? table.tokens.count
    guard table.tokens.indices.contains(index) else {
      guard !places.isEmpty else {
        throw .noSuchIndex(name: digits, last: table.tokens.count - 1, table: table.text())
      }
      return (
        .words(digits, occurrence: nil), try tokens(of: digits, nil, in: table)
      )
    }
    if places.count == 1, places[0].count > 1, places[0].contains(index) {
      return (.words(digits, occurrence: nil), places[0])
    }
    guard places.isEmpty || places == [[index]] else {
      throw .ambiguousNumber(name: digits, places: places.map { $0[0] }, table: table.text())
    }
    return (.index(index), [index])
  }

  private static func tokens(
    of name: String, _ occurrence: Int?, in table: TokenTable
  ) throws(TextError) -> [Int] {
    let places = table.places(of: name)
    guard let first = places.first else { throw missing(name, in: table) }
    guard let occurrence else {
      if places.count == 1 { return first }
      throw .ambiguousWord(name: name, places: places.map { $0[0] }, table: table.text())
    }
    guard (1...places.count) ~= occurrence else {
      throw .noSuchOccurrence(name: name, count: places.count, table: table.text())
    }
    return places[occurrence - 1]
  }

  private static func missing(_ name: String, in table: TokenTable) -> TextError {
    let wanted = Set(PromptWord.texts(of: name))
    if table.leftOut.contains(where: { !wanted.isDisjoint(with: PromptWord.texts(of: $0)) }) {
      return .outsideWindow(name: name, window: table.tokens.count)
    }
    return .unknownWord(name: name, table: table.text())
  }
}

extension WordReference: CustomStringConvertible {
  /// The reference's text, from which ``init(_:)`` makes it again.
  public var description: String {
    switch self {
    case .start: "<start>"
    case .end: "<end>"
    case .padding: "<padding>"
    case .index(let index): "@\(index)"
    case .number(let digits): digits
    case .words(let text, let occurrence): text + (occurrence.map { "#\($0)" } ?? "")
    }
  }
}

extension TokenTable {
  /// The reference that means `word` and nothing else: its text, with its number where the prompt has
  /// it several times or where its text alone would be read as an index.
  public func reference(to word: Word) -> WordReference {
    let isRepeated = words.count { $0.text == word.text } > 1
    let isIndex =
      Int(digits: word.text[...]).map { tokens.indices.contains($0) && [$0] != word.tokens }
      ?? false
    return .words(word.text, occurrence: isRepeated || isIndex ? word.occurrence : nil)
  }

  /// A word under the name by which ``WordReference`` finds it again.
  public func subject(of word: Word) -> Subject {
    Subject(name: reference(to: word).description, tokens: word.tokens)
  }

  /// The tokens of each place where the words of `name` follow each other; none is empty.
  fileprivate func places(of name: String) -> [[Int]] {
    let exact = words.filter { $0.text == name }
    if !exact.isEmpty { return exact.map(\.tokens) }
    let wanted = PromptWord.texts(of: name)
    guard !wanted.isEmpty, wanted.count <= words.count else { return [] }
    return (0...words.count - wanted.count).compactMap { start in
      let found = words[start..<start + wanted.count]
      guard found.map(\.text) == wanted else { return nil }
      let named = found.filter { $0.text.unicodeScalars.contains { ScalarClass($0) != .other } }
      return (named.isEmpty ? Array(found) : named).flatMap(\.tokens).sorted()
    }
  }
}

extension String {
  /// Without white space at both ends.
  func trimmingSpace() -> String {
    var rest = drop { $0.isWhitespace }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}

extension Int {
  /// Reads ASCII digits and nothing else.
  fileprivate init?(digits: Substring) {
    guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }) else {
      return nil
    }
    self.init(digits)
  }
}
