/// The characters that stand for bytes in a byte-level vocabulary.
///
/// Printable Latin-1 bytes stand for themselves; the others take the code points from U+0100 on,
/// in order (GPT-2, `encoder.py`, `bytes_to_unicode`).
package enum ByteAlphabet {
  /// The character of each byte.
  static let characters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
        return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? Unicode.Scalar(byte)
      }
    }
  }()

  private static let bytes = Dictionary(
    uniqueKeysWithValues: zip(characters, UInt8.min...UInt8.max))

  /// The bytes that a text's characters stand for; `nil` where one stands for none.
  package static func bytes(of text: String) -> [UInt8]? {
    let found = text.unicodeScalars.compactMap { bytes[$0] }
    return found.count == text.unicodeScalars.count ? found : nil
  }
}
