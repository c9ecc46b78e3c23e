/// The range of values that a colour map is stretched over: one for a whole sheet.
public struct ValueScale: Hashable, Sendable {
  /// The value of the first colour.
  public let lower: Double
  /// The value of the last colour; greater than ``lower``.
  public let upper: Double

  /// Makes a scale from zero, or from the least value if it is negative, to the greatest value.
  ///
  /// NaN and infinities are passed over. When nothing exceeds zero the scale is 0…1, so that zero
  /// still looks like nothing.
  public init(covering maps: [HeatMap]) {
    var (least, greatest) = (0.0, 0.0)
    for map in maps {
      for value in map.values where value.isFinite {
        least = min(least, Double(value))
        greatest = max(greatest, Double(value))
      }
    }
    lower = least
    upper = greatest > least ? greatest : least + 1
  }

  /// Makes a scale whose middle is zero, and which reaches as far to both sides as any value does.
  ///
  /// NaN and infinities are passed over; when there is nothing but zero the scale is −1…1.
  public init(symmetricCovering maps: [HeatMap]) {
    let values = maps.lazy.flatMap(\.values).filter(\.isFinite)
    let reach = values.map { abs(Double($0)) }.max() ?? 0
    upper = reach > 0 ? reach : 1
    lower = -upper
  }

  /// How far `value` is from zero, 1 at the end of the scale that is farther from it.
  func magnitude(of value: Double) -> Double { abs(value) / max(abs(lower), abs(upper)) }

  /// Where `value` lies, 0 at ``lower`` and 1 at ``upper``.
  public func fraction(of value: Double) -> Double { (value - lower) / (upper - lower) }
}
