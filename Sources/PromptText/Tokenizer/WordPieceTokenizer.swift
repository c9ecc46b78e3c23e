/// BERT's tokenizer: words and punctuation, each cut into the longest pieces that the vocabulary has.
///
/// The ids are those of transformers' `BertTokenizer` (version 5, on `tokenizers` 0.23). Schuster &
/// Nakajima, Japanese and Korean Voice Search, ICASSP 2012; Devlin et al., BERT, NAACL 2019.
package struct WordPieceTokenizer: Sendable {
  /// The id of a word that the vocabulary cannot spell.
  package let unknownID: Int
  /// The id before a text.
  package let classificationID: Int
  /// The id after a text.
  package let separatorID: Int

  private let vocabulary: Vocabulary
  private let added: AddedTokens
  private let longestWord: Int
  private let prefix: [Unicode.Scalar]
  private let addedPieces: [Int: String]
  private let special: Set<Int>

  /// Loads a tokenizer from a folder that holds `tokenizer.json` or `vocab.txt`;
  /// `tokenizer_config.json` and `special_tokens_map.json` are heeded if there.
  /// - Throws: ``TextError`` or `FileError`, naming the file and what is wrong in it.
  package init(folder: String) throws {
    let files = try WordPieceFolder(path: folder)
    let normalizer = files.normalizer
    let listed = files.tokens.added
    let added = AddedTokens(listed, vocabulary: files.vocabulary) { normalizer.normalize($0) }
    func id(_ role: ListedTokens.Role, _ name: String) throws -> Int {
      let token = files.tokens.token(role) ?? ""
      guard let id = added.ids[Array(token.utf8)],
        files.vocabulary.id(of: token) != nil || files.tokens.lists(token)
      else { throw TextError.missingToken(folder: folder, role: name, token: token) }
      return id
    }
    unknownID = try id(.unknown, "unknown token")
    classificationID = try id(.classification, "classification token")
    separatorID = try id(.separator, "separator token")
    (vocabulary, self.added, longestWord) = (files.vocabulary, added, files.longestWord)
    prefix = Array(files.prefix.unicodeScalars)
    addedPieces = Dictionary(
      added.ids.map { ($1, String(decoding: $0, as: UTF8.self)) }, uniquingKeysWith: { $1 })
    let marks = listed.filter(\.isSpecial) + files.tokens.special
    special = Set(marks.compactMap { added.ids[Array($0.content.utf8)] })
  }

  /// The id of a token to the letter; `nil` if there is none.
  package func id(of token: String) -> Int? {
    added.ids[Array(token.utf8)] ?? vocabulary.id(of: token)
  }

  /// The ids of a text, without any before or after it.
  package func ids(of text: String) -> [Int] {
    added.split(SourceText(text)).flatMap { part in
      part.id.map { [$0] } ?? words(of: part.text).flatMap(pieces)
    }
  }

  /// Cuts normalised text at spaces and around punctuation.
  private func words(of text: ArraySlice<SourceScalar>) -> [[Unicode.Scalar]] {
    var words: [[Unicode.Scalar]] = []
    var word: [Unicode.Scalar] = []
    func end() {
      if !word.isEmpty { words.append(word) }
      word.removeAll(keepingCapacity: true)
    }
    for scalar in text.lazy.map(\.scalar) {
      if scalar.properties.isWhitespace {
        end()
      } else if scalar.isPunctuationOfBERT {
        end()
        words.append([scalar])
      } else {
        word.append(scalar)
      }
    }
    end()
    return words
  }

  /// The longest piece that a word begins with, then the longest that the rest does, and so on.
  private func pieces(of word: [Unicode.Scalar]) -> [Int] {
    guard word.count <= longestWord else { return [unknownID] }
    var ids: [Int] = []
    var start = 0
    while start < word.count {
      let before = start == 0 ? [] : prefix
      var end = word.count
      var found: Int?
      while end > start {
        var spelling = String.UnicodeScalarView()
        spelling.append(contentsOf: before)
        spelling.append(contentsOf: word[start..<end])
        found = vocabulary.id(of: String(spelling))
        if found != nil { break }
        end -= 1
      }
      guard let id = found else { return [unknownID] }
      ids.append(id)
      start = end
    }
    return ids
  }

  /// The text that ids stand for, without special tokens, as transformers 5 writes it.
  ///
  /// Pieces of a word are joined, and no space stands before `. ? ! ,` and the endings of English
  /// contractions.
  package func text(of ids: [Int]) -> String {
    var text = ""
    let pieces = ids.lazy.filter { !special.contains($0) }
      .compactMap { addedPieces[$0] ?? vocabulary.piece(of: $0) }
    for (position, piece) in pieces.enumerated() {
      if position > 0, piece.unicodeScalars.starts(with: prefix) {
        text.unicodeScalars.append(contentsOf: piece.unicodeScalars.dropFirst(prefix.count))
      } else {
        let closes = Self.closing.contains { piece.unicodeScalars.starts(with: $0.unicodeScalars) }
        text += (position == 0 || closes ? "" : " ") + piece
      }
    }
    return text
  }

  private static let closing = [".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"]
}
