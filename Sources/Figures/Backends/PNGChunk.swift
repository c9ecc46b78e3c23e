/// Chunks that libpng's simple writer leaves out (PNG specification, third edition, section 11.3).
enum PNGChunk {
  /// Where the chunks after the header begin: signature, then IHDR with 13 bytes of content.
  static let endOfHeader = 8 + 4 + 4 + 13 + 4

  /// `pHYs`: pixels a metre.
  static func resolution(dpi: Double) -> [UInt8] {
    let perMetre = bigEndian(UInt32(max(1, min(2e9, (dpi / 0.0254).rounded()))))
    return chunk("pHYs", perMetre + perMetre + [1])
  }

  /// `iTXt`: UTF-8 text, uncompressed.
  static func text(keyword: String, _ text: String) -> [UInt8] {
    precondition((1...79).contains(keyword.utf8.count), "PNG keyword “\(keyword)”")
    return chunk("iTXt", Array(keyword.utf8) + [0, 0, 0, 0, 0] + Array(text.utf8))
  }

  private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + content
    return bigEndian(UInt32(content.count)) + body + bigEndian(crc32(body))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 {
        remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0)
      }
    }
    return ~remainder
  }
}
