/// The numbers of the two 8-bit floats that weights are shipped in, by their bits.
///
/// Each is a sign, an exponent and a fraction, with denormal numbers at exponent 0. Both lie within
/// float16 exactly.
///
/// Source: Micikevicius et al., FP8 Formats for Deep Learning, 2022, table 1.
enum EightBitFloat {
  /// F8_E4M3, torch's `float8_e4m3fn`: no infinity, and the largest code is not a number.
  static let e4m3 = (0..<256).map { bits -> Float in
    bits & 0x7F == 0x7F ? .nan : number(bits, fractionBits: 3, bias: 7)
  }

  /// F8_E5M2, torch's `float8_e5m2`: infinity and no numbers as in IEEE 754.
  static let e5m2 = (0..<256).map { bits -> Float in
    guard bits & 0x7C == 0x7C else { return number(bits, fractionBits: 2, bias: 15) }
    return bits & 3 != 0 ? .nan : bits < 0x80 ? .infinity : -.infinity
  }

  private static func number(_ bits: Int, fractionBits: Int, bias: Int) -> Float {
    let exponent = (bits & 0x7F) >> fractionBits
    let one = 1 << fractionBits
    let fraction = bits & (one - 1)
    let significand = Float(exponent == 0 ? fraction : one + fraction)
    let scale = Float(sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: 1)
    return (bits & 0x80 == 0 ? 1 : -1) * significand * scale
  }
}
