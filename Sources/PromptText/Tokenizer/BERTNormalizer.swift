/// BERT's normalisation: control characters out, Chinese characters apart, accents off, lower case.
///
/// The classes are those of the tables that transformers' tokenizer carries, of Unicode 8: what was
/// added since belongs to none of them, and what changed its class keeps the old one.
///
/// - Reference: huggingface/tokenizers, `normalizers/bert.rs` and `pre_tokenizers/bert.rs`; Devlin et
///   al., BERT, NAACL 2019.
struct BERTNormalizer: Sendable {
  /// Whether control characters go, and every space becomes one of one kind.
  var cleans = true
  /// Whether a space stands on both sides of a Chinese character.
  var separatesChinese = true
  /// Whether marks are taken off letters.
  var stripsAccents = true
  var lowercases = true

  /// Normalises `text`; each character keeps the part of the source it came from.
  func normalize(_ text: some Collection<SourceScalar>) -> SourceText {
    var result = SourceText()
    result.reserveCapacity(text.count)
    for element in text {
      let scalar = element.scalar
      if cleans, scalar.isControlOfBERT { continue }
      let space = SourceScalar(scalar: " ", range: element.range)
      if cleans, scalar.properties.isWhitespace {
        result.append(space)
      } else if separatesChinese, scalar.isChineseOfBERT {
        result += [space, element, space]
      } else {
        result.append(element)
      }
    }
    if stripsAccents {
      result = CanonicalComposition.decompose(result).filter { !$0.scalar.isAccentOfBERT }
    }
    guard lowercases else { return result }
    var lower = SourceText()
    lower.reserveCapacity(result.count)
    for element in result { TextNormalizer.append(lowercased: element, to: &lower) }
    return lower
  }
}

extension Unicode.Scalar {
  /// The Unicode version of the classes.
  private static let version = 8

  private var isOfVersion: Bool {
    properties.age.map { $0.major <= Self.version } ?? false
  }

  /// Whether the tokenizer takes it for a control character or for a character that is none.
  fileprivate var isControlOfBERT: Bool {
    switch value {
    case 0x09, 0x0A, 0x0D: false
    case 0, 0xFFFD: true
    default:
      switch properties.generalCategory {
      case .control, .privateUse: true
      case .format: isOfVersion
      default: false
      }
    }
  }

  /// Whether it is in one of the blocks that BERT takes for Chinese.
  fileprivate var isChineseOfBERT: Bool {
    switch value {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
      0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  /// Whether it is a mark that takes no room of its own.
  fileprivate var isAccentOfBERT: Bool {
    switch value {
    case 0x1734, 0x1171E: true
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
    default: properties.generalCategory == .nonspacingMark && isOfVersion
    }
  }

  /// Whether it is a piece by itself: punctuation, and every sign of ASCII.
  var isPunctuationOfBERT: Bool {
    switch value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E, 0x166D, 0x111C9: true
    case ..<0x80: false
    default:
      switch properties.generalCategory {
      case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
        .initialPunctuation, .finalPunctuation, .otherPunctuation:
        isOfVersion
      default: false
      }
    }
  }
}
