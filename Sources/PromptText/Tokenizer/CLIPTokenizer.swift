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
  private let added: AddedTokens
  private let addedPieces: [Int: String]

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
    vocabulary = files.vocabulary
    let added = AddedTokens(files.added, vocabulary: files.vocabulary)
    func id(_ role: TokenizerFolder.Role, _ name: String) throws -> Int {
      let token = files.token(role) ?? ""
      guard let id = added.ids[Array(token.utf8)], files.knows(token) else {
        throw TextError.missingToken(folder: folder, role: name, token: token)
      }
      return id
    }
    startID = try id(.start, "start token")
    endID = try id(.end, "end token")
    paddingID = try id(.padding, "padding token")
    unknownID = try id(.unknown, "unknown token")
    window = files.window
    encoder = try BytePairEncoder(
      vocabulary: files.vocabulary, rules: files.rules, unknown: unknownID)
    self.added = added
    addedPieces = Dictionary(
      added.ids.map { ($1, String(decoding: $0, as: UTF8.self)) }, uniquingKeysWith: { $1 })
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

  /// Tokenises `prompt` and fills the window: start, the prompt, end, padding.
  ///
  /// A prompt longer than the window is cut, and ``TokenTable/leftOut`` names what is missing.
  /// Characters that normalisation joins share one source range, and so do the tokens of one
  /// character's bytes. An empty prompt is start, end, padding.
  public func encode(_ prompt: String) -> TokenTable {
    let pieces = PreTokenizer.pieces(of: added.split(SourceText(prompt)))
    var tokens = [special(.start, at: 0)]
    var words: [TokenTable.Word] = []
    var leftOut: [String] = []
    var occurrences: [String: Int] = [:]
    for word in PromptWord.words(of: pieces) {
      let symbols = pieces[word.pieces].flatMap(encode)
      let kept = symbols.prefix(window - 1 - tokens.count)
      if kept.count < symbols.count { leftOut.append(prompt.text(at: word.range)) }
      if kept.isEmpty { continue }
      let indices = Array(tokens.count..<tokens.count + kept.count)
      for (index, symbol) in zip(indices, kept) {
        tokens.append(
          TokenTable.Token(
            index: index, id: symbol.id, piece: piece(of: symbol.id), range: symbol.range,
            word: words.count, special: nil))
      }
      let occurrence = occurrences[word.text, default: 0] + 1
      occurrences[word.text] = occurrence
      words.append(
        TokenTable.Word(
          text: word.text, occurrence: occurrence, tokens: indices, range: word.range))
    }
    tokens.append(special(.end, at: tokens.count))
    while tokens.count < window { tokens.append(special(.padding, at: tokens.count)) }
    return TokenTable(prompt: prompt, tokens: tokens, words: words, leftOut: leftOut)
  }

  private func special(_ kind: TokenTable.Token.Special, at index: Int) -> TokenTable.Token {
    let id =
      switch kind {
      case .start: startID
      case .end: endID
      case .padding: paddingID
      }
    return TokenTable.Token(
      index: index, id: id, piece: piece(of: id), range: nil, word: nil, special: kind)
  }

  private func piece(of id: Int) -> String {
    vocabulary.piece(of: id) ?? addedPieces[id] ?? ""
  }

  /// The tokens of one piece, each with the part of the prompt it comes from.
  private func encode(_ piece: PreTokenizer.Piece) -> [(id: Int, range: Range<Int>)] {
    guard let first = piece.text.first, let last = piece.text.last else { return [] }
    if let id = piece.id { return [(id, first.range.lowerBound..<last.range.upperBound)] }
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
      return (Int(symbol.id), sources[start].lowerBound..<sources[end - 1].upperBound)
    }
  }
}

extension String {
  /// The part at a range of UTF-8 offsets.
  func text(at range: Range<Int>) -> String {
    String(decoding: utf8.dropFirst(range.lowerBound).prefix(range.count), as: UTF8.self)
  }
}
