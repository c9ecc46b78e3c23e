/// Finds the noun phrases of a prompt in plain English, from word lists alone and always the same.
///
/// A phrase is a determiner if there is one, then adjectives, colours and participles, then nouns:
/// `a red car`, `two sleeping dogs`, `fire hydrant`. Adjectives joined by `and` or a comma are one
/// phrase's unless a determiner follows. A participle after the noun says what that does, and is of no
/// phrase. Adjectives alone are a phrase only after a determiner, where
/// the last one is its noun, as in `an orange`. Phrases never hold each other.
public enum NounPhraseFinder {
  /// The phrases of a prompt, in their order; may be none.
  ///
  /// A phrase with a word that the window cuts is left out: its noun may be that word.
  public static func phrases(in table: TokenTable) -> [NounPhrase] {
    var scan = PhraseScan(table, table.words[...])
    let cut = table.words.filter(table.cuts)
    return scan.all().filter { phrase in !cut.contains { $0.range.overlaps(phrase.range) } }
  }

  /// The phrases at places that the user marked.
  ///
  /// A phrase's noun and modifiers are those of the first phrase found inside; where none is, its
  /// last word is its noun.
  /// - Parameters:
  ///   - ranges: parts of the prompt, as UTF-8 offsets.
  ///   - table: the prompt's tokens and words.
  /// - Throws: ``TextError/noPhrase(text:)`` for one that matches no token,
  ///   ``TextError/cutWord(phrase:word:)`` for one that ends inside of a word.
  public static func phrases(
    at ranges: [Range<Int>], in table: TokenTable
  ) throws(TextError) -> [NounPhrase] {
    var phrases: [NounPhrase] = []
    for range in ranges {
      let text = table.prompt.text(at: range)
      let inside = table.words.indices.filter { table.words[$0].range.overlaps(range) }
      for word in inside.map({ table.words[$0] })
      where word.range.lowerBound < range.lowerBound || word.range.upperBound > range.upperBound {
        throw .cutWord(phrase: text, word: table.prompt.text(at: word.range))
      }
      guard let first = inside.first, let last = inside.last else {
        throw .noPhrase(text: text)
      }
      let words = table.words[first...last]
      var scan = PhraseScan(table, words)
      let found = scan.all().first
      phrases.append(
        NounPhrase(
          text: text, range: range, tokens: words.flatMap(\.tokens),
          noun: found?.noun ?? table.words[last], modifiers: found?.modifiers ?? []))
    }
    return phrases
  }
}

extension TokenTable {
  /// Whether the window ends inside of a word, in every text encoder that reads its beginning.
  fileprivate func cuts(_ word: Word) -> Bool {
    guard !leftOut.isEmpty else { return false }
    let end = word.tokens.compactMap { tokens[$0].range?.upperBound }.max()
    return end.map { $0 < word.range.upperBound } ?? false
  }
}

/// Goes through words once, and gives the phrases among them.
private struct PhraseScan {
  /// A word, or several that hyphens join.
  private struct Unit {
    let words: Range<Int>
    let kind: EnglishWord
  }

  private let table: TokenTable
  private let units: [Unit]
  private var position = 0

  init(_ table: TokenTable, _ words: ArraySlice<TokenTable.Word>) {
    self.table = table
    units = Self.units(of: table, words)
  }

  mutating func all() -> [NounPhrase] {
    var phrases: [NounPhrase] = []
    while position < units.count {
      if let phrase = next() { phrases.append(phrase) }
    }
    return phrases
  }

  /// The words of the slice, those with a hyphen between them as one.
  private static func units(of table: TokenTable, _ words: ArraySlice<TokenTable.Word>) -> [Unit] {
    var units: [Unit] = []
    var start = words.startIndex
    while start < words.endIndex {
      var end = start + 1
      while end + 1 < words.endIndex, words[end].text == "-",
        words[end - 1].range.upperBound == words[end].range.lowerBound,
        words[end].range.upperBound == words[end + 1].range.lowerBound
      {
        end += 2
      }
      let text = words[end - 1].text
      let isPunctuation = text.unicodeScalars.allSatisfy { ScalarClass($0) == .other }
      let kind = EnglishWord(text)
      units.append(
        Unit(words: start..<end, kind: isPunctuation && kind == .noun ? .boundary : kind))
      start = end
    }
    return units
  }

  /// The phrase that begins at the position, which moves on by at least one word.
  private mutating func next() -> NounPhrase? {
    let start = position
    var hasDeterminer = false
    var content: [Unit] = []
    while position < units.count {
      let unit = units[position]
      switch unit.kind {
      case .determiner:
        if !content.isEmpty, !isPossessive(unit) { return phrase(start, hasDeterminer, content) }
        hasDeterminer = true
      case .adverb, .adjective, .participle, .verb:
        if content.contains(where: isNoun) {
          passVerb()
          return phrase(start, hasDeterminer, content)
        }
        if unit.kind != .adverb { content.append(unit) }
      case .noun: content.append(unit)
      case .conjunction where joinsModifiers(content): break
      case .conjunction, .boundary:
        let found = phrase(start, hasDeterminer, content)
        position += 1
        return found
      }
      position += 1
    }
    return phrase(start, hasDeterminer, content)
  }

  /// Moves past what the noun before the position does, if that is said there, as in `wearing` and
  /// `quietly eating`.
  private mutating func passVerb() {
    let verb = units[position...].first { $0.kind != .adverb }
    guard let verb, verb.kind == .verb || verb.kind == .participle else { return }
    while units[position].kind == .adverb { position += 1 }
    position += 1
  }

  private func isNoun(_ unit: Unit) -> Bool { unit.kind == .noun }
  private func isPossessive(_ unit: Unit) -> Bool {
    table.words[unit.words.lowerBound].text == "'s"
  }

  /// Whether the conjunction at the position stands between modifiers of one noun.
  private func joinsModifiers(_ content: [Unit]) -> Bool {
    guard !content.isEmpty, !content.contains(where: isNoun), position + 1 < units.count else {
      return false
    }
    let following = units[position + 1].kind
    return following == .adjective || following == .participle
      || (following == .conjunction && position + 2 < units.count
        && units[position + 2].kind == .adjective)
  }

  /// The phrase from a unit up to the position.
  private func phrase(_ start: Int, _ hasDeterminer: Bool, _ content: [Unit]) -> NounPhrase? {
    guard let head = content.last, hasDeterminer || content.contains(where: isNoun) else {
      return nil
    }
    let words = table.words[units[start].words.lowerBound..<head.words.upperBound]
    guard let from = words.first?.range.lowerBound, let to = words.last?.range.upperBound,
      let noun = table.words[head.words].last
    else { return nil }
    let modifiers =
      content.dropLast().flatMap { table.words[$0.words] } + table.words[head.words].dropLast()
    return NounPhrase(
      text: table.prompt.text(at: from..<to), range: from..<to, tokens: words.flatMap(\.tokens),
      noun: noun,
      modifiers: modifiers.filter { word in
        word.text.unicodeScalars.contains { ScalarClass($0) == .letter } && word.text != "and"
      })
  }
}
