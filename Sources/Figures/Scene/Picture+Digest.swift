package import Pictures

extension Picture {
  /// A digest of 128 bits that identifies the picture, as hexadecimal digits.
  package var digest: String {
    // FNV-1a from two bases.
    var (first, second): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x6C62_272E_07BB_0142)
    for byte in pixels {
      first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
      second = (second ^ UInt64(byte ^ 0x5A)) &* 0x100_0000_01B3
    }
    return "\(width)x\(height)-" + String(first, radix: 16) + String(second, radix: 16)
  }
}
