/// The smallest value at which a cell counts as covered.
package enum MapThreshold: Hashable, Sendable, CustomStringConvertible {
  /// At least this fraction of the map's largest value.
  ///
  /// Source: Tang et al., What the DAAM, ACL 2023.
  case relative(Double)
  /// At least this value.
  case absolute(Double)

  /// As in `0.4 of the peak` or `0.15`.
  package var description: String {
    switch self {
    case .relative(let share): "\(share) of the peak"
    case .absolute(let value): "\(value)"
    }
  }

  /// The cells of `map` that reach the threshold; `nil` if one is NaN.
  ///
  /// In a map without a positive value, no cell reaches a relative threshold.
  package func cells(of map: AttentionMap) -> SegmentationMask? {
    let largest = Double(map.largest)
    guard !largest.isNaN else { return nil }
    let limit: Double
    switch self {
    case .relative(let share): limit = largest > 0 ? share * largest : .infinity
    case .absolute(let value): limit = value
    }
    return SegmentationMask(map.grid, map.values.map { Double($0) >= limit })
  }
}
