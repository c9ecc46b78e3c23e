/// A user's name for some of a prompt's tokens.
///
/// - `frog`: a word, in any case; it must be in the prompt once.
/// - `red car`, `t-shirt`: words that follow each other, with all their pieces. Punctuation between
///   them must match, but gives no token of its own.
/// - `frog#2`: the second of several.
/// - `@5`: a position, where 0 is the start token.
/// - `<start>`, `<end>`: the tokens around the prompt.
public enum TokenSelection: Hashable, Sendable {
  /// The token before the prompt.
  case start
  /// The token after the prompt.
  case end
  /// A position in the window.
  case index(Int)
  /// Words, and which of their occurrences, from 1; `nil` where there may be only one.
  case words(String, occurrence: Int?)

  /// Reads a selection; white space around it does not count.
  ///
  /// - Throws: ``TextError/emptyName``.
  public init(_ text: String) throws(TextError) {
    let name = text.trimmingSpace()
    guard !name.isEmpty else { throw .emptyName }
    if name == "<start>" {
      self = .start
    } else if name == "<end>" {
      self = .end
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

  /// The positions of the selected tokens in the prompt's `table`, ascending.
  ///
  /// - Throws: ``TextError`` with the table when the prompt has no such tokens, or several.
  public func tokens(in table: TokenTable) throws(TextError) -> [Int] {
    switch self {
    case .start: return [0]
    case .end: return [table.end]
    case .index(let index):
      guard table.tokens.indices.contains(index) else {
        throw .noSuchIndex(name: "@\(index)", last: table.tokens.count - 1, table: table.text())
      }
      return [index]
    case .words(let name, let occurrence):
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
  }

  private func missing(_ name: String, in table: TokenTable) -> TextError {
    let wanted = Set(PromptWord.texts(of: name))
    if table.leftOut.contains(where: { !wanted.isDisjoint(with: PromptWord.texts(of: $0)) }) {
      return .outsideWindow(name: name, window: table.tokens.count)
    }
    return .unknownWord(name: name, table: table.text())
  }
}

extension TokenTable {
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
      return (named.isEmpty ? Array(found) : named).flatMap(\.tokens)
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
