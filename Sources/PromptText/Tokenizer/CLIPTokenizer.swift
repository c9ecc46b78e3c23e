internal import Foundation
internal import TensorEngine

/// CLIP's byte-level tokenizer, with the part of the prompt that each token comes from.
///
/// The ids are those of transformers' `CLIPTokenizer` (version 5, on `tokenizers` 0.23). Radford et
/// al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.
public struct CLIPTokenizer: Sendable {
  /// The number of tokens the model reads, start and end included.
  public let window: Int
  /// The id of the token before the prompt.
  public let startID: Int
  /// The id of the token after the prompt.
  public let endID: Int
  /// The id that fills the window.
  public let paddingID: Int
  /// The id for bytes that the vocabulary lacks.
  public let unknownID: Int

  private let vocabulary: Vocabulary
  private let encoder: BytePairEncoder
  /// Every added token, in the order in which they got their ids.
  private let addedTokens: [AddedToken]
  private let added: AddedTokens
  private let addedPieces: [Int: String]
  /// Of an added token `<x>` beside which there are `<x>_1`, `<x>_2`, …: the ids of all of them.
  private let vectors: [Int: [Int]]

  /// Loads a tokenizer from a folder that holds `tokenizer.json`, or `vocab.json` with
  /// `merges.txt`; `tokenizer_config.json` and `special_tokens_map.json` are heeded if there.
  ///
  /// - Parameters:
  ///   - folder: The folder's path.
  ///   - padding: The token that fills the window; `nil` for the one that the folder names.
  /// - Throws: ``TextError`` or `FileError`, naming the file and what is wrong in it.
  public init(folder: String, padding: String? = nil) throws {
    var files = try TokenizerFolder(path: folder)
    if let padding { files.pad(with: padding) }
    let added = AddedTokens(files.added, vocabulary: files.vocabulary)
    func id(_ role: ListedTokens.Role, _ name: String) throws -> Int {
      let token = files.token(role) ?? ""
      guard let id = added.ids[Array(token.utf8)], files.knows(token) else {
        throw TextError.missingToken(folder: folder, role: name, token: token)
      }
      return id
    }
    let unknown = try id(.unknown, "unknown token")
    self.init(
      window: files.window,
      ids: (
        try id(.start, "start token"), try id(.end, "end token"),
        try id(.padding, "padding token"), unknown
      ), files.vocabulary,
      try BytePairEncoder(vocabulary: files.vocabulary, rules: files.rules, unknown: unknown),
      files.added)
  }

  private init(
    window: Int, ids: (start: Int, end: Int, padding: Int, unknown: Int), _ vocabulary: Vocabulary,
    _ encoder: BytePairEncoder, _ addedTokens: [AddedToken]
  ) {
    self.window = window
    (startID, endID, paddingID, unknownID) = ids
    (self.vocabulary, self.encoder, self.addedTokens) = (vocabulary, encoder, addedTokens)
    let added = AddedTokens(addedTokens, vocabulary: vocabulary)
    self.added = added
    addedPieces = Dictionary(
      added.ids.map { ($1, String(decoding: $0, as: UTF8.self)) }, uniquingKeysWith: { $1 })
    vectors = added.ids.reduce(into: [:]) { vectors, token in
      var all = [token.value]
      while let next = added.ids[token.key + Array("_\(all.count)".utf8)] { all.append(next) }
      if all.count > 1 { vectors[token.value] = all }
    }
  }

  /// The tokenizer of CLIP ViT-L/14, for checkpoints that ship none.
  ///
  /// - Parameter padding: The token that fills the window: `nil` for CLIP's own, the end token;
  ///   `!` for OpenCLIP's encoders, whose padding is id 0.
  /// - Throws: ``TextError`` or `FileError` when the package's resources are damaged.
  public static func bundled(padding: String? = nil) throws -> CLIPTokenizer {
    try CLIPTokenizer(
      folder: ResourceFolder.promptText.path + "/CLIPVocabulary", padding: padding)
  }

  /// The same tokenizer with another window.
  package func reading(_ window: Int) -> CLIPTokenizer {
    CLIPTokenizer(
      window: window, ids: (startID, endID, paddingID, unknownID), vocabulary, encoder, addedTokens)
  }

  /// The same tokenizer with words of several vectors of their own.
  ///
  /// A word `<x>` has its further vectors as `<x>_1`, `<x>_2` and so on. Words are found in any case, as
  /// transformers finds what `add_tokens` added.
  /// - Throws: ``TextError/knownWord(_:)`` for a word that the vocabulary has already.
  package func adding(_ words: [(word: String, vectors: Int)]) throws(TextError) -> CLIPTokenizer {
    var all = addedTokens
    for (word, vectors) in words {
      for name in [word] + (1..<max(vectors, 1)).map({ "\(word)_\($0)" }) {
        guard vocabulary.id(of: name) == nil, !all.contains(where: { $0.content == name }) else {
          throw .knownWord(name)
        }
        var token = AddedToken(name)
        token.isNormalized = true
        all.append(token)
      }
    }
    return CLIPTokenizer(
      window: window, ids: (startID, endID, paddingID, unknownID), vocabulary, encoder, all)
  }

  /// The ids of the vectors of an added word, in their order; `nil` if there is no such word.
  package func ids(ofAdded word: String) -> [Int]? {
    added.ids[Array(word.utf8)].map { vectors[$0] ?? [$0] }
  }

  /// Tokenises `prompt` and fills the window: start, the prompt, end, padding.
  ///
  /// A prompt longer than the window is cut, and ``TokenTable/leftOut`` names what is missing; or it goes
  /// on in further windows. Characters that normalisation joins share one source range, and so do the
  /// tokens of one character's bytes. An empty prompt is start, end, padding. A word of several
  /// vectors is all of them, as diffusers' `maybe_convert_prompt` has it.
  /// - Parameters:
  ///   - prompt: the text as the user wrote it.
  ///   - reading: what its signs mean, and whether it may take several windows.
  ///   - windows: how many windows there are at least; those after the text's are empty texts.
  public func encode(
    _ prompt: String, as reading: PromptReading = PromptReading(), windows: Int = 1
  ) -> TokenTable {
    var filled = TokenWindows(
      window: window, comma: vocabulary.id(of: ",</w>"), takesWindows: reading.takesWindows)
    let segments: [WebUIText.Segment] =
      reading.syntax == .webui
      ? WebUIText.segments(of: prompt) : [.text(SourceText(prompt), weight: 1)]
    for segment in segments {
      guard case .text(let text, let weight) = segment else {
        filled.endWindow()
        continue
      }
      let pieces = PreTokenizer.pieces(of: added.split(text))
      for word in PromptWord.words(of: pieces) {
        filled.add(
          TokenWindows.Word(text: word.text, range: word.range),
          pieces[word.pieces].flatMap(units), weight: weight,
          source: prompt.text(at: word.range))
      }
    }
    return table(of: prompt, filled, windows)
  }

  /// The table of filled windows, and of empty ones up to a number.
  private func table(
    of prompt: String, _ filled: TokenWindows, _ windows: Int
  ) -> TokenTable {
    var tokens: [TokenTable.Token] = []
    var indices = filled.words.map { _ in [Int]() }
    let all = filled.windows
    for place in 0..<max(windows, all.count) {
      tokens.append(special(.start, at: tokens.count))
      for entry in place < all.count ? all[place] : [] {
        indices[entry.word].append(tokens.count)
        tokens.append(
          TokenTable.Token(
            index: tokens.count, id: entry.id, piece: piece(of: entry.id), range: entry.range,
            word: entry.word, special: nil, weight: entry.weight))
      }
      tokens.append(special(.end, at: tokens.count))
      while tokens.count < (place + 1) * window {
        tokens.append(special(.padding, at: tokens.count))
      }
    }
    var occurrences: [String: Int] = [:]
    let words = zip(filled.words, indices).map { word, indices in
      occurrences[word.text, default: 0] += 1
      return TokenTable.Word(
        text: word.text, occurrence: occurrences[word.text, default: 1], tokens: indices,
        range: word.range)
    }
    return TokenTable(prompt: prompt, tokens: tokens, words: words, leftOut: filled.leftOut)
  }

  private func special(_ kind: TokenTable.Token.Special, at index: Int) -> TokenTable.Token {
    let id =
      switch kind {
      case .start: startID
      case .end: endID
      case .padding: paddingID
      case .template: bug("CLIP's tokenizer has no template")
      }
    return TokenTable.Token(
      index: index, id: id, piece: piece(of: id), range: nil, word: nil, special: kind)
  }

  private func piece(of id: Int) -> String {
    vocabulary.piece(of: id) ?? addedPieces[id] ?? ""
  }

  /// The tokens of one piece, each with the part of the prompt it comes from; the vectors of an added
  /// word are one unit, any other token is one by itself.
  private func units(_ piece: PreTokenizer.Piece) -> [[(id: Int, range: Range<Int>)]] {
    guard let first = piece.text.first, let last = piece.text.last else { return [] }
    if let id = piece.id {
      let range = first.range.lowerBound..<last.range.upperBound
      return [(vectors[id] ?? [id]).map { ($0, range) }]
    }
    var bytes: [UInt8] = []
    var sources: [Range<Int>] = []
    for element in piece.text {
      for byte in UTF8.encode(element.scalar) ?? UTF8.encodedReplacementCharacter {
        bytes.append(byte)
        sources.append(element.range)
      }
    }
    var start = 0
    return encoder.encode(bytes).map { symbol in
      let end = start + Int(symbol.length)
      defer { start = end }
      return [(Int(symbol.id), sources[start].lowerBound..<sources[end - 1].upperBound)]
    }
  }
}

extension String {
  /// The part at a range of UTF-8 offsets.
  func text(at range: Range<Int>) -> String {
    String(decoding: utf8.dropFirst(range.lowerBound).prefix(range.count), as: UTF8.self)
  }
}
