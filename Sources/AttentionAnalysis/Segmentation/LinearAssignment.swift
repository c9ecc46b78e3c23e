internal import TensorEngine

/// The assignment problem: each row gets a column of its own (or each column a row, if there are fewer
/// of them) so that the sum of what is chosen is as small, or as large, as it can be.
///
/// By shortest augmenting paths, in rows² x columns steps.
///
/// Source: Kuhn, The Hungarian method for the assignment problem, 1955; Munkres, Algorithms for the
/// assignment and transportation problems, 1957; Jonker & Volgenant, A shortest augmenting path
/// algorithm for dense and sparse linear assignment problems, 1987.
package enum LinearAssignment {
  /// The pairs with the smallest sum of `costs`, `[row][column]`, by row.
  /// - Precondition: all rows are of one length and all costs are finite.
  package static func minimizing(_ costs: [[Double]]) -> [(row: Int, column: Int)] {
    let width = costs.first?.count ?? 0
    guard costs.allSatisfy({ $0.count == width }) else { bug("rows of different lengths") }
    guard costs.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { bug("a cost is not finite") }
    if costs.count <= width {
      return columns(for: costs).enumerated().map { (row: $0, column: $1) }
    }
    let turned = (0..<width).map { column in costs.map { $0[column] } }
    return columns(for: turned).enumerated().map { (row: $1, column: $0) }
      .sorted { $0.row < $1.row }
  }

  /// The pairs with the largest sum of `gains`, `[row][column]`, by row.
  /// - Precondition: all rows are of one length and all gains are finite.
  package static func maximizing(_ gains: [[Double]]) -> [(row: Int, column: Int)] {
    minimizing(gains.map { $0.map(-) })
  }

  /// The column of each row; there are at least as many columns as rows.
  private static func columns(for costs: [[Double]]) -> [Int] {
    var search = Search(costs: costs)
    for row in costs.indices { search.assign(row) }
    var columns = [Int](repeating: 0, count: costs.count)
    for (column, row) in search.rows.enumerated() {
      if let row { columns[row] = column }
    }
    return columns
  }
}

/// An optimal assignment of some rows, and the prices that prove it: no cost is less than the prices
/// of its row and column together, and that of an assigned pair is just as much.
private struct Search {
  let costs: [[Double]]
  /// The row of each column.
  var rows: [Int?]
  private var rowPrices: [Double]
  private var columnPrices: [Double]

  init(costs: [[Double]]) {
    self.costs = costs
    let width = costs.first?.count ?? 0
    rows = [Int?](repeating: nil, count: width)
    rowPrices = [Double](repeating: 0, count: costs.count)
    columnPrices = [Double](repeating: 0, count: width)
  }

  /// Finds the cheapest path from a new row to a free column, over rows that give up their column for
  /// another, and moves them along it.
  mutating func assign(_ newRow: Int) {
    var distances = [Double](repeating: .infinity, count: rows.count)
    var previous = [Int?](repeating: nil, count: rows.count)
    var isReached = [Bool](repeating: false, count: rows.count)
    var (row, last) = (newRow, Int?.none)
    var way = 0.0
    while true {
      var nearest = 0
      var shortest = Double.infinity
      for column in rows.indices where !isReached[column] {
        let length = way + costs[row][column] - rowPrices[row] - columnPrices[column]
        if length < distances[column] { (distances[column], previous[column]) = (length, last) }
        if distances[column] < shortest { (shortest, nearest) = (distances[column], column) }
      }
      way = shortest
      isReached[nearest] = true
      guard let next = rows[nearest] else {
        settle(newRow, distances, isReached, way)
        shift(newRow, to: nearest, along: previous)
        return
      }
      (row, last) = (next, nearest)
    }
  }

  /// Raises the prices of the rows that were reached, and lowers those of their columns.
  private mutating func settle(
    _ newRow: Int, _ distances: [Double], _ isReached: [Bool], _ way: Double
  ) {
    rowPrices[newRow] += way
    for column in rows.indices where isReached[column] {
      let change = way - distances[column]
      columnPrices[column] -= change
      if let row = rows[column] { rowPrices[row] += change }
    }
  }

  private mutating func shift(_ newRow: Int, to end: Int, along previous: [Int?]) {
    var column = end
    while let before = previous[column] {
      rows[column] = rows[before]
      column = before
    }
    rows[column] = newRow
  }
}
