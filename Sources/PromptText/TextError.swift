internal import TensorEngine

/// Errors in a tokenizer's folder, a prompt, or the words that name its subjects.
///
/// Each describes itself in one line; where tokens must be chosen, the table of tokens follows.
public enum TextError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A tokenizer folder has neither of the two layouts.
  case noVocabulary(folder: String)
  /// A tokenizer folder has no vocabulary of word pieces.
  case noPieces(folder: String)
  /// A token that the tokenizer needs is not in its vocabulary.
  case missingToken(folder: String, role: String, token: String)
  /// The prompt holds no token.
  case emptyPrompt
  /// A name of a token or subject is empty.
  case emptyName
  /// No word of the prompt has this name.
  case unknownWord(name: String, table: String)
  /// The word is in the prompt, but beyond the window.
  case outsideWindow(name: String, window: Int)
  /// The name fits several places of the prompt, and does not say which.
  case ambiguousWord(name: String, places: [Int], table: String)
  /// A bare number is a word of the prompt, and the index of another token.
  case ambiguousNumber(name: String, places: [Int], table: String)
  /// The prompt fills the window, so that no token is padding.
  case noPadding(table: String)
  /// No text encoder of the prompt has a start token, or none has an end token.
  case noSpecial(name: String, table: String)
  /// The prompt holds the word less often than the name says.
  case noSuchOccurrence(name: String, count: Int, table: String)
  /// An index is not that of a token of the prompt.
  case noSuchIndex(name: String, last: Int, table: String)
  /// A token that is not text was named where text is expected.
  case noText(name: String, table: String)
  /// Two subjects are the same tokens.
  case sameSubject(first: String, second: String)
  /// A phrase that the user marked holds no token that the model reads.
  case noPhrase(text: String)
  /// A phrase that the user marked begins or ends inside of a word.
  case cutWord(phrase: String, word: String)
  /// A bracket without its other, or one inside another.
  case unbalancedBracket(prompt: String)
  /// The weight after a part's colon is not a number.
  case badWeight(part: String)
  /// A part before, between or after bars is empty.
  case emptyPart(prompt: String)
  /// Every part of a prompt has a negative weight.
  case nothingWanted(prompt: String)
  /// No subject was named, and the prompt is not one whose nouns are certain.
  case subjectsNeeded(table: String)
  /// A word is to be added to a vocabulary that has it, or is a name with a meaning of its own.
  case knownWord(String)
  /// A prompt in the web UI's syntax has something of it that is not read.
  case unreadSyntax(mark: String, advice: String)
  /// An error about another text than the prompt, which is named, as in `the negative prompt`.
  indirect case inText(_ name: String, TextError)

  /// One line, and the table of tokens where the reader must choose among them.
  public var description: String { described(of: "the prompt") }

  private func described(of text: String) -> String {
    if case .inText(let name, let error) = self { return error.described(of: name) }
    let line = line(of: text)
    guard let table else { return line }
    return line + (table.title.map { "; " + $0 } ?? "") + "\n" + table.tokens
  }

  /// One line for a reader who has many prompts before them, without the table of tokens.
  package var summary: String { line(of: "the prompt") }

  private func line(of text: String) -> String {
    switch self {
    case .inText(let name, let error): error.line(of: name)
    case .noVocabulary(let folder):
      "\(FileError.printable(folder)): no tokenizer here; expected tokenizer.json, or vocab.json "
        + "with merges.txt"
    case .noPieces(let folder):
      "\(FileError.printable(folder)): no tokenizer here; expected tokenizer.json or vocab.txt"
    case .missingToken(let folder, let role, let token):
      "\(FileError.printable(folder)): the \(role) \(FileError.quoted(token)) is not in the "
        + "tokenizer's vocabulary"
    case .emptyPrompt: "the prompt is empty"
    case .emptyName:
      "an empty name selects no token; name a word of the prompt, or an index, as in @5"
    case .unknownWord(let name, _):
      "no word of \(text) is \(FileError.quoted(name))"
    case .outsideWindow(let name, let window):
      "\(FileError.quoted(name)) is beyond the \(window) tokens that the model reads; shorten "
        + text
    case .ambiguousWord(let name, let places, _):
      "\(FileError.quoted(name)) is in \(text) \(places.count) times; write "
        + places.enumerated().map { "\(FileError.printable(name))#\($0 + 1) (token \($1))" }
        .joined(separator: " or ")
    case .ambiguousNumber(let name, let places, _):
      "\(FileError.quoted(name)) is a word of \(text) and the index of another token; write "
        + places.enumerated().map { "\(FileError.printable(name))#\($0 + 1) (token \($1))" }
        .joined(separator: " or ") + " for the word, or @\(FileError.printable(name)) for the index"
    case .noPadding: "\(text) fills the window, so there is no <padding>"
    case .noSpecial(let name, _):
      "no text encoder puts a \(FileError.printable(name)) token around \(text)"
    case .noSuchOccurrence(let name, let count, _):
      "\(text) holds \(FileError.quoted(name)) \(count == 1 ? "once" : "\(count) times")"
    case .noSuchIndex(let name, let last, _):
      "\(FileError.quoted(name)) is beyond the window, whose positions are 0 to \(last)"
    case .noText(let name, _):
      "\(FileError.quoted(name)) is not text, so it cannot be a subject"
    case .sameSubject(let first, let second):
      "\(FileError.quoted(first)) and \(FileError.quoted(second)) are the same tokens; name each "
        + "subject once"
    case .noPhrase(let text):
      "the phrase \(FileError.quoted(text)) matches no token that the model reads; put brackets around "
        + "words of the prompt, as in [a red car]"
    case .cutWord(let phrase, let word):
      "the phrase \(FileError.quoted(phrase)) cuts the word \(FileError.quoted(word)); put brackets "
        + "around whole words"
    case .unbalancedBracket(let prompt):
      "the brackets of \(FileError.quoted(prompt)) do not match; put each phrase in one pair, as in "
        + "[a red car] and [a white sheep]"
    case .badWeight(let part):
      "the weight of the part \(FileError.quoted(part)) is not a number; write one after the colon, as in "
        + "a cat:7.5, or put a space after the colon if it is not a weight"
    case .emptyPart(let prompt):
      "a part of \(FileError.quoted(prompt)) is empty; write words on both sides of each |"
    case .nothingWanted(let prompt):
      "every weight in \(FileError.quoted(prompt)) is negative; at least one part needs a positive weight"
    case .knownWord(let word):
      "\(FileError.quoted(word)) is in the tokenizer's vocabulary already; give the embedding another "
        + "word"
    case .unreadSyntax(let mark, let advice):
      "\(FileError.quoted(mark)) in \(text) is not read: \(advice)"
    case .subjectsNeeded:
      "which words are the subjects? Name them, as in cat,frog"
    }
  }

  /// The prompt's tokens, where the reader must choose among them, and what leads to them.
  private var table: (title: String?, tokens: String)? {
    switch self {
    case .unknownWord(_, let table), .noPadding(let table), .noSpecial(_, let table),
      .noSuchOccurrence(_, _, let table):
      ("its tokens are", table)
    case .noText(_, let table): ("choose one of", table)
    case .subjectsNeeded(let table): ("the prompt's tokens are", table)
    case .ambiguousWord(_, _, let table), .ambiguousNumber(_, _, let table),
      .noSuchIndex(_, _, let table):
      (nil, table)
    default: nil
    }
  }
}
