internal import AttentionTrace

/// The largest value of a map and the first cell that has it, in row-major order.
///
/// A NaN counts as the largest, as in `numpy.argmax`.
public struct MapPeak: Hashable, Sendable {
  /// The value there; NaN also for a map without cells.
  public let value: Float
  /// The cell's row, from 0.
  public let row: Int
  /// The cell's column, from 0.
  public let column: Int

  /// Looks for the peak of `map`.
  public init(of map: AttentionMap) {
    var place = 0
    for (index, value) in map.values.enumerated() {
      let largest = map.values[place]
      if !largest.isNaN && (value > largest || value.isNaN) { place = index }
    }
    value = map.values.isEmpty ? .nan : map.values[place]
    (row, column) = place.quotientAndRemainder(dividingBy: max(map.grid.columns, 1))
  }

  /// Its place; NaN if the value is NaN.
  public var point: MapPoint {
    value.isNaN ? .nowhere : MapPoint(row: Double(row), column: Double(column))
  }
}
