package import Pictures

extension Picture {
  /// A digest of 128 bits that identifies the picture, as hexadecimal digits.
  package var digest: String { "\(width)x\(height)-" + ContentDigest.hexadecimal(pixels) }
}
