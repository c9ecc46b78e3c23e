internal import AttentionTrace
internal import TensorEngine

/// How much of a map lies inside a box of the picture, and how much of the picture the box covers.
package struct BoxAttention: Hashable, Sendable {
  /// The share of the map's sum that lies inside, 0…1.
  ///
  /// A cell that the box covers in part counts by that part. NaN for a map whose values do not sum to more
  /// than 0.
  package let inside: Double
  /// The share of the picture that the box covers, 0…1.
  ///
  /// It is what chance gives: what ``inside`` is of a map that is the same everywhere.
  package let area: Double

  /// Measures `map` inside `box`.
  /// - Parameter box: left, top, right and bottom, as shares of the picture's sides; what stands over the
  ///   edge does not count.
  /// - Precondition: the box has four edges.
  package init(of map: AttentionMap, inside box: [Double]) {
    guard box.count == 4 else { bug("a box of \(box.count) edges") }
    let columns = Self.covered(map.grid.columns, from: box[0], to: box[2])
    let rows = Self.covered(map.grid.rows, from: box[1], to: box[3])
    var (sum, covered) = (0.0, 0.0)
    for (row, height) in rows.enumerated() {
      for (column, width) in columns.enumerated() {
        let value = Double(map.values[row * map.grid.columns + column])
        sum += value
        covered += height * width * value
      }
    }
    inside = sum > 0 ? covered / sum : .nan
    area =
      rows.reduce(0, +) / Double(map.grid.rows) * columns.reduce(0, +) / Double(map.grid.columns)
  }

  /// The share of each of `count` equal parts of a side that lies between two places on it.
  private static func covered(_ count: Int, from start: Double, to end: Double) -> [Double] {
    let (first, last) = (start * Double(count), end * Double(count))
    return (0..<count).map { part in
      max(0, min(last, Double(part + 1)) - max(first, Double(part)))
    }
  }
}
