internal import AttentionTrace
internal import Glibc

/// A map as a probability distribution over its cells.
struct MapDistribution {
  let grid: Grid
  /// `[row, column]`, with the sum 1.
  let shares: [Double]

  /// Divides a map by its sum; `nil` unless all values are finite, none is negative and the sum is
  /// more than 0.
  init?(_ map: AttentionMap) {
    guard map.hasOnlyAmounts else { return nil }
    let sum = map.mass
    guard sum > 0 else { return nil }
    grid = map.grid
    shares = map.values.map { Double($0) / sum }
  }

  /// Shannon's entropy, in nats.
  var entropy: Double {
    // Of a single full cell the sum is 0, which must not become -0.
    0 - shares.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 }
  }

  /// What the largest cells hold of the whole; `count` of them.
  func share(ofLargest count: Int) -> Double {
    shares.sorted(by: >).prefix(count).reduce(0, +)
  }

  /// Gini's coefficient: 0 for a constant map, (n - 1) / n for one full cell of n.
  var gini: Double {
    let count = shares.count
    let sum = shares.sorted().enumerated().reduce(0.0) { sum, cell in
      sum + Double(2 * (cell.offset + 1) - count - 1) * cell.element
    }
    return sum / Double(count)
  }

  var centerOfMass: MapPoint {
    var (row, column) = (0.0, 0.0)
    for (place, share) in shares.enumerated() {
      row += share * Double(place / grid.columns)
      column += share * Double(place % grid.columns)
    }
    return MapPoint(row: row, column: column)
  }

  /// The root of the mean squared distance from the centre of mass, in cells.
  var spread: Double {
    let center = centerOfMass
    let squared = shares.enumerated().reduce(0.0) { sum, cell in
      let row = Double(cell.offset / grid.columns) - center.row
      let column = Double(cell.offset % grid.columns) - center.column
      return sum + cell.element * (row * row + column * column)
    }
    return squared.squareRoot()
  }
}

extension AttentionMap {
  /// The sum of all cells.
  var mass: Double { values.reduce(0) { $0 + Double($1) } }

  /// Whether every value is finite and none is negative.
  var hasOnlyAmounts: Bool { values.allSatisfy { $0 >= 0 && $0.isFinite } }
}
