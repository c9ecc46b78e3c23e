/// Finds the subjects of a prompt, by the user's words or from the prompt alone.
public enum SubjectSelection {
  /// The subjects that `names` name, in their order; without names, those that ``certain(in:)``
  /// finds.
  ///
  /// A name is as in ``WordReference``; the start, end and padding tokens are not subjects.
  ///
  /// - Throws: ``TextError``, with the table of tokens where a choice is needed.
  public static func subjects(
    named names: [String], in table: TokenTable
  ) throws(TextError) -> [Subject] {
    guard !table.words.isEmpty else { throw .emptyPrompt }
    var references: [WordReference] = []
    for name in names { references.append(try WordReference(name)) }
    return try subjects(references, in: table)
  }

  /// The subjects that `references` mean, in their order; without any, those that ``certain(in:)``
  /// finds.
  ///
  /// The start, end and padding tokens are not subjects.
  ///
  /// - Throws: ``TextError``, with the table of tokens where a choice is needed.
  public static func subjects(
    _ references: [WordReference], in table: TokenTable
  ) throws(TextError) -> [Subject] {
    guard !table.words.isEmpty else { throw .emptyPrompt }
    guard !references.isEmpty else {
      guard let subjects = certain(in: table) else { throw .subjectsNeeded(table: table.text()) }
      return subjects
    }
    var subjects: [Subject] = []
    for reference in references {
      let subject = try reference.subject(in: table)
      guard subject.tokens.allSatisfy({ table.tokens[$0].special == nil }) else {
        throw .noText(name: reference.description, table: table.text())
      }
      if let same = subjects.first(where: { $0.tokens == subject.tokens }) {
        throw .sameSubject(first: same.name, second: subject.name)
      }
      subjects.append(subject)
    }
    return subjects
  }

  /// The two nouns of a prompt that is one of the benchmark's templates, `nil` for any other.
  ///
  /// The whole prompt must be `a X and a Y` or `a X with a Y`, with `an` for `a` as one likes and
  /// one of the benchmark's 11 colours before either noun or neither; signs that end a sentence may follow.
  /// A noun is one word of letters that is not a colour, so that "a red and a green" and "an orange and
  /// a cat" are left to the user, or an added word of the tokenizer, as `<cat-toy>`.
  /// The templates are those of Attend-and-Excite's 276 prompts (Chefer et al., SIGGRAPH 2023).
  public static func certain(in table: TokenTable) -> [Subject]? {
    guard table.leftOut.isEmpty else { return nil }
    var rest = table.words[...]
    while let last = rest.last, last.text.allSatisfy({ ".,;:!?…".contains($0) }) {
      rest.removeLast()
    }
    guard let first = noun(from: &rest, of: table), let link = rest.popFirst(),
      ["and", "with"].contains(link.text), let second = noun(from: &rest, of: table), rest.isEmpty
    else { return nil }
    return [first, second].map(table.subject(of:))
  }

  /// Every word of letters except articles, prepositions and similar words; may be empty.
  ///
  /// For what measures many words as well as two; a loss needs ``certain(in:)``.
  public static func contentWords(in table: TokenTable) -> [Subject] {
    table.words.filter { word in
      !functionWords.contains(word.text)
        && (word.text.unicodeScalars.allSatisfy { ScalarClass($0) == .letter }
          || isAdded(word, to: table))
    }.map(table.subject(of:))
  }

  private static let functionWords: Set<String> = [
    "a", "about", "above", "across", "after", "against", "along", "among", "an", "and", "are",
    "around", "as", "at", "be", "before", "behind", "below", "beneath", "beside", "between", "but",
    "by", "down", "during", "for", "from", "front", "her", "his", "in", "inside", "into", "is",
    "it", "its", "my", "near", "next", "of", "off", "on", "onto", "or", "our", "out", "outside",
    "over", "some", "that", "the", "their", "these", "this", "those", "through", "to", "top",
    "toward", "towards", "under", "up", "upon", "was", "were", "which", "while", "with", "within",
    "without", "your",
  ]
  private static let articles: Set<String> = ["a", "an"]
  private static let colours = Set(ColorWord.all)
  private static let notNouns = articles.union(colours).union(["and", "with"])

  /// Takes an article, perhaps a colour, and a noun off the front.
  private static func noun(
    from words: inout ArraySlice<TokenTable.Word>, of table: TokenTable
  ) -> TokenTable.Word? {
    guard let article = words.popFirst(), articles.contains(article.text) else { return nil }
    if let next = words.first, colours.contains(next.text) { words.removeFirst() }
    guard let noun = words.popFirst(), !notNouns.contains(noun.text),
      noun.text.unicodeScalars.allSatisfy({ ScalarClass($0) == .letter })
        || isAdded(noun, to: table)
    else { return nil }
    return noun
  }

  /// Whether a word is one of the tokenizer's added tokens, whose piece is the word without an ending.
  ///
  /// Tokenizers that mark no endings write punctuation so too.
  private static func isAdded(_ word: TokenTable.Word, to table: TokenTable) -> Bool {
    guard let first = word.tokens.first,
      table.tokens[first].piece.lowercased() == word.text.lowercased()
    else { return false }
    return word.text.unicodeScalars.contains { ScalarClass($0) == .letter }
      || table.tokens.contains { $0.piece.hasSuffix("</w>") }
  }
}
