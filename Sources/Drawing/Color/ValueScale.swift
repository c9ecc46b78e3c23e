internal import Glibc

/// The range of values that a colour map is stretched over: one for a whole sheet.
package struct ValueScale: Hashable, Sendable {
  /// The value of the first colour.
  package let lower: Double
  /// The value of the last colour; greater than ``lower``.
  package let upper: Double
  /// Whether the scale is logarithmic.
  package let isLogarithmic: Bool

  /// Makes a scale of its ends, the lower first; both above zero on a logarithmic one.
  package init(lower: Double, upper: Double, isLogarithmic: Bool = false) {
    self.lower = lower
    self.upper = upper
    self.isLogarithmic = isLogarithmic
  }

  /// How far `value` is from zero, 1 at the end of the scale that is farther from it.
  package func magnitude(of value: Double) -> Double {
    lower > 0 ? fraction(of: value) : abs(value) / max(abs(lower), abs(upper))
  }

  /// Where `value` lies, 0 at ``lower`` and 1 at ``upper``.
  package func fraction(of value: Double) -> Double {
    guard isLogarithmic else { return (value - lower) / (upper - lower) }
    return value > 0 ? log(value / lower) / log(upper / lower) : 0
  }

  /// The value at `fraction` of the scale.
  package func value(at fraction: Double) -> Double {
    isLogarithmic ? lower * pow(upper / lower, fraction) : lower + fraction * (upper - lower)
  }

  /// Round values along the scale, with what is written for them.
  package func marks(atMost count: Int) -> [(value: Double, text: String)] {
    guard isLogarithmic else {
      let round = Ticks(from: lower, to: upper, atMost: count)
      return round.values.map { ($0, NumberText.tick($0, step: round.step)) }
    }
    let (first, last) = (Int(log10(lower).rounded(.up)), Int(log10(upper).rounded(.down)))
    return stride(from: first, through: last, by: 1).map { pow(10, Double($0)) }.map {
      ($0, NumberText.tick($0, step: $0))
    }
  }
}
