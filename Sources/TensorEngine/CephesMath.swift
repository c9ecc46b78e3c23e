/// Single-precision logarithm, sine and cosine as torch's AVX2 code computes them.
///
/// The polynomials are those of Moshier's Cephes library (logf, sinf, cosf); where a product is
/// added, it is fused into the addition, as torch's build does. The results differ from the
/// correctly rounded ones in the last bit, and equal torch's in every bit.
enum CephesMath {
  /// The natural logarithm of `x`, a normal number above 0.
  static func log(_ x: Float) -> Float {
    // x = fraction · 2^exponent with the fraction in [√½, √2), less one.
    var fraction = Float(bitPattern: x.bitPattern & 0x807F_FFFF | 0x3F00_0000)
    var exponent = Float(Int32(x.bitPattern >> 23) - 126)
    if fraction < 0.707106781186547524 {
      exponent -= 1
      fraction = fraction - 1 + fraction
    } else {
      fraction -= 1
    }
    let square = fraction * fraction
    var sum: Float = 7.0376836292e-2
    for coefficient in logarithmCoefficients {
      sum = coefficient.addingProduct(sum, fraction)
    }
    sum = (exponent * -2.12194440e-4).addingProduct(sum * fraction, square)
    sum = sum.addingProduct(-square, 0.5)
    return (fraction + sum).addingProduct(exponent, 0.693359375)
  }

  private static let logarithmCoefficients: [Float] = [
    -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
  ]

  /// The sine and the cosine of `x`, in radians, from 0 to 8192.
  static func sineAndCosine(_ x: Float) -> (sine: Float, cosine: Float) {
    // The odd multiple of π/4 nearest below, rounded up to an even one.
    let octant = (Int32(x * 1.27323954473516) + 1) & ~1
    let turns = Float(octant)
    // π/4 in three parts, so that the difference keeps its bits.
    let rest = x.addingProduct(turns, -0.78515625)
      .addingProduct(turns, -2.4187564849853515625e-4)
      .addingProduct(turns, -3.77489497744594108e-8)
    let square = rest * rest
    let cosineSum = Float(4.166664568298827e-2)
      .addingProduct(
        Float(-1.388731625493765e-3).addingProduct(2.443315711809948e-5, square), square)
    let cosine = (-0.5 * square).addingProduct(cosineSum * square, square) + 1
    let sineSum = Float(-1.6666654611e-1)
      .addingProduct(Float(8.3321608736e-3).addingProduct(-1.9515295891e-4, square), square)
    let sine = rest.addingProduct(sineSum * square, rest)
    let swaps = octant & 2 != 0
    return (
      sine: (octant & 4 == 0 ? 1 : -1) * (swaps ? cosine : sine),
      cosine: ((octant &- 2) & 4 != 0 ? 1 : -1) * (swaps ? sine : cosine)
    )
  }
}
