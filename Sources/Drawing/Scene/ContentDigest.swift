/// A digest of 128 bits that tells contents apart, not for secrets.
enum ContentDigest {
  /// The digest of `bytes`, as hexadecimal digits.
  package static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    // FNV-1a from two bases.
    var (first, second): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x6C62_272E_07BB_0142)
    for byte in bytes {
      first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
      second = (second ^ UInt64(byte ^ 0x5A)) &* 0x100_0000_01B3
    }
    return String(first, radix: 16) + String(second, radix: 16)
  }
}
