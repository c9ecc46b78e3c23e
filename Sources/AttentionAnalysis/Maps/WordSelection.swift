internal import AttentionTrace
private import Foundation
public import PromptText

/// Words of a recorded prompt by name, without the tokenizer that cut them.
///
/// - `frog`: a word, in any case; it must be in the prompt once. `red car`: words that follow each
///   other.
/// - `frog#2`: the second of several.
/// - `@5`: a token's index.
/// - `<start>`, `<end>`, `<padding>`: the tokens around the prompt.
public struct WordSelection: Hashable, Sendable {
  private let table: TokenTable

  /// Selects words of the prompt that `table` describes.
  public init(_ table: TokenTable) { self.table = table }

  /// Every word of the prompt in order, occurrences apart.
  public var words: [Subject] {
    table.words.map { word in
      let isRepeated = table.words.contains { $0.text == word.text && $0.occurrence > 1 }
      return Subject(
        name: isRepeated ? "\(word.text)#\(word.occurrence)" : word.text, tokens: word.tokens)
    }
  }

  /// The tokens that `name` means.
  /// - Throws: ``AnalysisError/unknownWord(name:reason:words:)``.
  public func subject(named name: String) throws -> Subject {
    let name = name.trimmingCharacters(in: .whitespaces)
    return Subject(name: name, tokens: try tokens(named: name))
  }

  private func tokens(named name: String) throws -> [Int] {
    switch name {
    case "<start>": return [0]
    case "<end>": return [table.end]
    case "<padding>":
      let padding = Array((table.end + 1)..<max(table.tokens.count, table.end + 1))
      guard !padding.isEmpty else { throw unknown(name, "the prompt fills the window") }
      return padding
    default: break
    }
    if name.first == "@" {
      guard let index = Int(name.dropFirst()), table.tokens.indices.contains(index) else {
        throw unknown(name, "expected a token's index, @0 to @\(table.tokens.count - 1)")
      }
      return [index]
    }
    let mark = name.lastIndex(of: "#")
    let occurrence = mark.flatMap { Int(name[name.index(after: $0)...]) }
    let places = places(of: occurrence == nil ? name : String(name[..<(mark ?? name.endIndex)]))
    guard let first = places.first else { throw unknown(name, "it is not in the prompt") }
    guard let occurrence else {
      if places.count == 1 { return first }
      throw unknown(name, "it is there \(places.count) times: name one as in \(name)#1")
    }
    guard places.indices.contains(occurrence - 1) else {
      throw unknown(name, "it is there \(places.count) times")
    }
    return places[occurrence - 1]
  }

  /// The tokens of each place where the words of `name` follow each other.
  private func places(of name: String) -> [[Int]] {
    let wanted = name.precomposedStringWithCanonicalMapping.lowercased()
      .split(whereSeparator: \.isWhitespace).map(String.init)
    guard !wanted.isEmpty, wanted.count <= table.words.count else { return [] }
    return (0...table.words.count - wanted.count).compactMap { start in
      let found = table.words[start..<start + wanted.count]
      return found.map(\.text) == wanted ? found.flatMap(\.tokens) : nil
    }
  }

  private func unknown(_ name: String, _ reason: String) -> AnalysisError {
    .unknownWord(name: name, reason: reason, words: words.map(\.name))
  }
}
