internal import TensorEngine

/// Chunks that libpng's simple writer leaves out (PNG specification, third edition, section 11.3).
package enum PNGChunk {
  /// Where the chunks after the header begin: signature, then IHDR with 13 bytes of content.
  package static let endOfHeader = 8 + 4 + 4 + 13 + 4

  /// `pHYs`: pixels a metre.
  package static func resolution(dpi: Double) -> [UInt8] {
    let perMetre = bigEndian(UInt32(max(1, min(2e9, (dpi / 0.0254).rounded()))))
    return chunk("pHYs", perMetre + perMetre + [1])
  }

  /// `iTXt`: UTF-8 text, uncompressed.
  package static func text(keyword: String, _ text: String) -> [UInt8] {
    guard (1...79).contains(keyword.utf8.count) else { bug("PNG keyword “\(keyword)”") }
    return chunk("iTXt", Array(keyword.utf8) + [0, 0, 0, 0, 0] + Array(text.utf8))
  }

  /// `acTL`: how many frames, shown over and over.
  package static func animation(frames: Int) -> [UInt8] {
    chunk("acTL", bigEndian(UInt32(frames)) + bigEndian(0))
  }

  /// `fcTL`: a whole frame, shown for `delay` milliseconds.
  package static func frame(
    _ sequence: UInt32, width: Int, height: Int, delay: Int
  ) -> [UInt8] {
    let size = bigEndian(UInt32(width)) + bigEndian(UInt32(height))
    let milliseconds = UInt16(max(1, min(65_535, delay)))
    let thousandths: [UInt8] = [UInt8(milliseconds >> 8), UInt8(milliseconds & 255), 3, 232]
    return chunk(
      "fcTL", bigEndian(sequence) + size + [UInt8](repeating: 0, count: 8) + thousandths + [0, 0])
  }

  /// The chunks of a file that libpng made, in order.
  package static func chunks(of file: [UInt8]) -> [(type: String, content: [UInt8])] {
    var chunks: [(String, [UInt8])] = []
    var place = 8
    while place + 12 <= file.count {
      let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      let type = String(decoding: file[place + 4..<place + 8], as: UTF8.self)
      chunks.append((type, Array(file[place + 8..<place + 8 + length])))
      place += 12 + length
    }
    return chunks
  }

  package static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + content
    return bigEndian(UInt32(content.count)) + body + bigEndian(crc32(body))
  }

  package static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { remainder, byte in
      remainder >> 8 ^ remainders[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)]
    }
  }

  /// Of each byte alone.
  private static let remainders: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
}
