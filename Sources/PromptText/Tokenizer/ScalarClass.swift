/// What the tokenizer's regular expressions tell characters apart by.
enum ScalarClass: Hashable, Sendable {
  /// `\p{L}`.
  case letter
  /// `\p{N}`.
  case number
  /// `\s`.
  case space
  /// Everything else: punctuation, symbols, marks, controls, unassigned.
  case other

  /// The Unicode version of the classes that transformers' tokenizer knows.
  ///
  /// Letters and numbers of later versions are `other`, as they are there: a newer table here
  /// would give other ids.
  private static let newestVersion = 16

  /// Classifies a character.
  init(_ scalar: Unicode.Scalar) {
    if scalar.value < 0x80 {
      self = Self.ascii[Int(scalar.value)]
    } else {
      self = Self.classify(scalar)
    }
  }

  private static let ascii: [ScalarClass] = (UInt8.min..<0x80).map { classify(Unicode.Scalar($0)) }

  private static func classify(_ scalar: Unicode.Scalar) -> ScalarClass {
    let properties = scalar.properties
    let known = properties.age.map { $0.major <= newestVersion } ?? false
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return known ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber:
      return known ? .number : .other
    default:
      return properties.isWhitespace ? .space : .other
    }
  }
}
