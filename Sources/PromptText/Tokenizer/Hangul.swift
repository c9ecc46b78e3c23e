/// Korean syllables, which Unicode composes by arithmetic (The Unicode Standard, section 3.12).
enum Hangul {
  private static let syllables: UInt32 = 0xAC00
  private static let leading: UInt32 = 0x1100
  private static let vowels: UInt32 = 0x1161
  private static let trailing: UInt32 = 0x11A7
  private static let leadingCount: UInt32 = 19
  private static let vowelCount: UInt32 = 21
  private static let trailingCount: UInt32 = 28

  /// Whether `scalar` is a vowel or final consonant that joins what stands before it.
  static func isTrailing(_ scalar: Unicode.Scalar) -> Bool {
    (vowels..<vowels + vowelCount) ~= scalar.value
      || (trailing + 1..<trailing + trailingCount) ~= scalar.value
  }

  /// The consonants and vowel of a syllable.
  static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
    let count = leadingCount * vowelCount * trailingCount
    guard (syllables..<syllables + count) ~= scalar.value else { return nil }
    let index = scalar.value - syllables
    let tail = index % trailingCount
    let parts = [
      leading + index / (vowelCount * trailingCount),
      vowels + index / trailingCount % vowelCount,
    ]
    return (tail == 0 ? parts : parts + [trailing + tail]).compactMap(Unicode.Scalar.init)
  }

  /// The syllable that two parts make.
  static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    if (leading..<leading + leadingCount) ~= first.value,
      (vowels..<vowels + vowelCount) ~= second.value
    {
      let pair = (first.value - leading) * vowelCount + second.value - vowels
      return Unicode.Scalar(syllables + pair * trailingCount)
    }
    let count = leadingCount * vowelCount * trailingCount
    guard (syllables..<syllables + count) ~= first.value,
      (first.value - syllables) % trailingCount == 0,
      (trailing + 1..<trailing + trailingCount) ~= second.value
    else { return nil }
    return Unicode.Scalar(first.value + second.value - trailing)
  }
}
