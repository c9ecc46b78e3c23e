/// A prompt as the model reads it: its tokens, where each comes from, and the words they make.
///
/// The tokens of several text encoders, or of several windows of one, stand one after the other, as
/// their keys do in attention; ``segments`` says where each begins.
public struct TokenTable: Hashable, Sendable, Codable {
  /// One position of the model's window.
  public struct Token: Hashable, Sendable, Codable {
    /// The kinds of special tokens.
    public enum Special: String, Hashable, Sendable, Codable {
      /// The token before a segment's text.
      case start
      /// The token after a segment's text.
      case end
      /// What fills a segment.
      case padding
      /// A chat template's words around the text.
      case template
    }

    /// The position in the window; 0 is the start token.
    public let index: Int
    /// The id in the vocabulary.
    public let id: Int
    /// The vocabulary's spelling, as in `cat</w>`.
    public let piece: String
    /// The part of the prompt it covers, as UTF-8 offsets; `nil` for special tokens.
    public let range: Range<Int>?
    /// The position of its word in ``TokenTable/words``; `nil` for special tokens.
    public let word: Int?
    /// Its kind, if it is a special token.
    public let special: Special?
    /// What its embedding is multiplied by before the mean is restored; `nil` for 1.
    public let weight: Double?

    /// The token at `index`, which covers a range of the prompt or is special.
    public init(
      index: Int, id: Int, piece: String, range: Range<Int>?, word: Int?, special: Special?,
      weight: Double? = nil
    ) {
      self.index = index
      self.id = id
      self.piece = piece
      self.range = range
      self.word = word
      self.special = special
      self.weight = weight
    }

    /// Reads a token.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      index = try container.decode(Int.self, forKey: .index)
      id = try container.decode(Int.self, forKey: .id)
      piece = try container.decode(String.self, forKey: .piece)
      range = try container.indexRangeIfPresent(forKey: .range)
      word = try container.decodeIfPresent(Int.self, forKey: .word)
      special = try container.decodeIfPresent(Special.self, forKey: .special)
      weight = try container.decodeIfPresent(Double.self, forKey: .weight)
    }
  }

  /// A word of the prompt: text between white space or punctuation, and the tokens that spell it.
  public struct Word: Hashable, Sendable, Codable {
    /// As the tokenizer reads it: normalised and in lower case.
    public let text: String
    /// 1 for the first word of this text in the prompt, 2 for the second.
    public let occurrence: Int
    /// Token indices, ascending; those of every text encoder that reads the word.
    public let tokens: [Int]
    /// The part of the prompt it covers, as UTF-8 offsets.
    public let range: Range<Int>

    /// The word at `range`, spelt by `tokens`.
    public init(text: String, occurrence: Int, tokens: [Int], range: Range<Int>) {
      self.text = text
      self.occurrence = occurrence
      self.tokens = tokens
      self.range = range
    }

    /// Reads a word.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      text = try container.decode(String.self, forKey: .text)
      occurrence = try container.decode(Int.self, forKey: .occurrence)
      tokens = try container.decode([Int].self, forKey: .tokens)
      range = try container.indexRange(forKey: .range)
    }
  }

  /// The text as the user wrote it.
  public let prompt: String
  /// Every position of every window, padding included.
  public let tokens: [Token]
  /// The words inside the window, in order.
  public let words: [Word]
  /// Words (as the user wrote them) that did not fit into the window, whole or in part.
  public let leftOut: [String]
  /// The windows of each text encoder along the tokens, in their order.
  public let segments: [Segment]

  /// The table of `tokens`; each word lists its tokens, and each token names its word.
  /// - Parameter segments: `nil` for windows of one encoder, each with a start token of its own.
  public init(
    prompt: String, tokens: [Token], words: [Word], leftOut: [String], segments: [Segment]? = nil
  ) {
    self.prompt = prompt
    self.tokens = tokens
    self.words = words
    self.leftOut = leftOut
    self.segments = segments ?? Segment.windows(of: tokens)
  }

  /// Reads a table; one without segments, as in runs of format 1, has the windows of its start tokens.
  /// - Throws: `DecodingError`, also for words, tokens and segments that name what is not there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      prompt: try container.decode(String.self, forKey: .prompt),
      tokens: try container.decode([Token].self, forKey: .tokens),
      words: try container.decode([Word].self, forKey: .words),
      leftOut: try container.decode([String].self, forKey: .leftOut),
      segments: try container.decodeIfPresent([Segment].self, forKey: .segments))
    func refuse(_ key: CodingKeys, _ reason: String) -> DecodingError {
      DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: reason)
    }
    for (index, token) in tokens.enumerated() {
      guard token.word.map(words.indices.contains) ?? true else {
        throw refuse(.tokens, "token \(index) names a word that is not one of the \(words.count)")
      }
    }
    for (index, word) in words.enumerated() {
      guard word.tokens.allSatisfy(tokens.indices.contains) else {
        throw refuse(.words, "word \(index) names a token that is not one of the \(tokens.count)")
      }
    }
    // A segment is held against the tokens before its indices, of which there may be any number, are made.
    let places = 0..<max(tokens.count, 1)
    let isWithin = segments.allSatisfy { $0.isWithin(places) }
    let all = isWithin ? segments.flatMap(\.indices) : []
    guard isWithin, all == all.sorted() else {
      throw refuse(
        .segments, "expected indices of the \(tokens.count) tokens, one segment after the other")
    }
  }

  /// The index of the end token after the last word; of a text without words, of the first.
  public var end: Int {
    let last = tokens.lastIndex { $0.word != nil } ?? 0
    return tokens.dropFirst(last).firstIndex { $0.special == .end } ?? tokens.count - 1
  }

  /// The indices of the text's own tokens, ascending: those of its words and punctuation, in every
  /// segment.
  package var content: [Int] { tokens.indices.filter { tokens[$0].special == nil } }

  /// The indices of the special tokens of a kind, ascending, in every segment.
  package func positions(of kind: Token.Special) -> [Int] {
    tokens.indices.filter { tokens[$0].special == kind }
  }
}
