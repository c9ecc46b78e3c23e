package import AttentionAnalysis
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

  /// Makes a scale from zero, or from the least value if it is negative, to the greatest value.
  ///
  /// NaN and infinities are ignored. When no value exceeds zero the scale is 0…1.
  package init(covering maps: [AttentionMap]) {
    var (least, greatest) = (0.0, 0.0)
    for map in maps {
      for value in map.values where value.isFinite {
        least = min(least, Double(value))
        greatest = max(greatest, Double(value))
      }
    }
    lower = least
    upper = greatest > least ? greatest : least + 1
    isLogarithmic = false
  }

  /// Makes a logarithmic scale up to the greatest value: from the least above zero, but over at most
  /// four powers of ten.
  ///
  /// What is smaller, zero included, takes the first colour. When nothing exceeds zero the scale is
  /// 0.0001…1.
  package init(logarithmCovering maps: [AttentionMap]) {
    let values = maps.lazy.flatMap(\.values).filter { $0.isFinite && $0 > 0 }.map(Double.init)
    let greatest = values.max() ?? 1
    let least = values.min() ?? 0
    let decades = greatest / 1e4
    self.init(
      lower: least < greatest ? max(least, decades) : decades, upper: greatest, isLogarithmic: true)
  }

  /// Makes a scale from the smallest to the largest value of one map.
  package init(stretchedOver map: AttentionMap) {
    let values = map.values.lazy.filter(\.isFinite).map(Double.init)
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 1)
    self.init(lower: least, upper: greatest > least ? greatest : least + 1)
  }

  /// Makes a scale symmetric about zero that covers all values.
  ///
  /// NaN and infinities are ignored; when all values are zero the scale is −1…1.
  package init(symmetricCovering maps: [AttentionMap]) {
    let values = maps.lazy.flatMap(\.values).filter(\.isFinite)
    let reach = values.map { abs(Double($0)) }.max() ?? 0
    upper = reach > 0 ? reach : 1
    lower = -upper
    isLogarithmic = false
  }

  /// How far `value` is from zero, 1 at the end of the scale that is farther from it.
  func magnitude(of value: Double) -> Double {
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
  func marks(atMost count: Int) -> [(value: Double, text: String)] {
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
