/// A word as a user would name it, made of the tokenizer's pieces.
///
/// Pieces that touch make one word where a letter, digit or mark meets another: the tokenizer cuts
/// `4k` and `2026` at every digit and Indic words at their vowel signs, but they are one word to
/// whoever wrote them. Punctuation makes words of its own, and so does a contraction: `t-shirt` is
/// `t`, `-`, `shirt`, and `cat's` is `cat`, `'s`. Where the tokenizer takes an opening quotation
/// mark for a contraction, as in `'sun'`, the word is `sun`; where it takes a comma together with a
/// vowel sign, the comma's token belongs to the word, but the comma not to its text.
struct PromptWord {
  /// Positions of its pieces.
  let pieces: Range<Int>
  /// As the tokenizer reads it: normalised and in lower case.
  let text: String
  /// The part of the prompt it covers, as UTF-8 offsets.
  let range: Range<Int>

  /// The words that `pieces` make; every piece belongs to one.
  static func words(of pieces: [PreTokenizer.Piece]) -> [PromptWord] {
    var words: [PromptWord] = []
    var start = 0
    for end in 1...max(pieces.count, 1) where !pieces.isEmpty {
      if end < pieces.count, joins(pieces[end - 1], pieces[end]) { continue }
      words.append(PromptWord(pieces, in: start..<end))
      start = end
    }
    return words
  }

  /// The words of a text that holds no added tokens.
  static func texts(of text: String) -> [String] {
    let normalized = TextNormalizer.normalize(SourceText(text))
    return words(of: PreTokenizer.pieces(of: normalized[...])).map(\.text)
  }

  private init(_ all: [PreTokenizer.Piece], in pieces: Range<Int>) {
    self.pieces = pieces
    let whole = all[pieces].flatMap(\.text)
    var kept = whole[...]
    if pieces.count > 1 {
      kept = kept.drop { !$0.scalar.isInsideWords }
      while let last = kept.last, !last.scalar.isInsideWords { kept.removeLast() }
    }
    if kept.isEmpty { kept = whole[...] }
    text = kept.string
    range = (kept.first?.range.lowerBound ?? 0)..<(kept.last?.range.upperBound ?? 0)
  }

  private static func joins(_ left: PreTokenizer.Piece, _ right: PreTokenizer.Piece) -> Bool {
    guard right.touchesPrevious, let last = left.text.last, let first = right.text.first else {
      return false
    }
    return last.scalar.isInsideWords && first.scalar.isInsideWords
  }
}

extension Unicode.Scalar {
  /// Letters, numbers, marks on them, and the joiners of scripts that need them.
  fileprivate var isInsideWords: Bool {
    switch ScalarClass(self) {
    case .letter, .number: return true
    case .space: return false
    case .other:
      guard value >= 0x80, !properties.isVariationSelector else { return false }
      switch properties.generalCategory {
      case .nonspacingMark, .spacingMark, .enclosingMark: return true
      default: return properties.isJoinControl
      }
    }
  }
}
