/// The median and the quartiles of some samples.
///
/// Percentiles lie between the two nearest samples in proportion, as `numpy.percentile` has them by
/// default (Hyndman and Fan's seventh definition).
package struct Quartiles: Hashable, Sendable {
  /// The 25th percentile.
  package let lower: Double
  /// The 50th percentile.
  package let median: Double
  /// The 75th percentile.
  package let upper: Double
  /// How many samples were numbers.
  package let count: Int

  /// Measures `samples`; NaN samples are ignored; `nil` if no other remains.
  package init?(of samples: [Double]) {
    let sorted = samples.filter { !$0.isNaN }.sorted()
    guard !sorted.isEmpty else { return nil }
    lower = Self.quantile(0.25, of: sorted)
    median = Self.quantile(0.5, of: sorted)
    upper = Self.quantile(0.75, of: sorted)
    count = sorted.count
  }

  /// Between the two values around the place `share` x (count - 1), by how far it is from each.
  static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let place = share * Double(sorted.count - 1)
    let (lower, upper) = (sorted[Int(place)], sorted[min(Int(place) + 1, sorted.count - 1)])
    return lower == upper ? lower : lower + (upper - lower) * (place - place.rounded(.down))
  }
}
