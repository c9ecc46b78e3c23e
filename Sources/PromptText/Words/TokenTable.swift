/// A prompt as the model reads it: its tokens, where each comes from, and the words they make.
public struct TokenTable: Hashable, Sendable, Codable {
  /// One position of the model's window.
  public struct Token: Hashable, Sendable, Codable {
    /// The kinds of special tokens.
    public enum Special: String, Hashable, Sendable, Codable {
      case start, end, padding
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
  }

  /// A word of the prompt: text between white space or punctuation, and the tokens that spell it.
  public struct Word: Hashable, Sendable, Codable {
    /// As the tokenizer reads it: normalised and in lower case.
    public let text: String
    /// 1 for the first word of this text in the prompt, 2 for the second.
    public let occurrence: Int
    /// Token indices, ascending.
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
  }

  /// The text as the user wrote it.
  public let prompt: String
  /// Every position of the window, padding included.
  public let tokens: [Token]
  /// The words inside the window, in order.
  public let words: [Word]
  /// Words (as the user wrote them) that did not fit into the window, whole or in part.
  public let leftOut: [String]

  /// The table of a window of `tokens`; each word lists its tokens, and each token names its word.
  public init(prompt: String, tokens: [Token], words: [Word], leftOut: [String]) {
    self.prompt = prompt
    self.tokens = tokens
    self.words = words
    self.leftOut = leftOut
  }

  /// The index of the end token after the last word; of a text without words, of the first.
  public var end: Int {
    let last = tokens.lastIndex { $0.word != nil } ?? 0
    return tokens.dropFirst(last).first { $0.special == .end }?.index ?? tokens.count - 1
  }

  /// The indices of the text's own tokens, ascending: those of its words and punctuation.
  package var content: [Int] { (1..<max(end, 1)).filter { tokens[$0].special == nil } }

  /// The indices of the special tokens of a kind, ascending.
  package func positions(of kind: Token.Special) -> [Int] {
    tokens.indices.filter { tokens[$0].special == kind }
  }
}
