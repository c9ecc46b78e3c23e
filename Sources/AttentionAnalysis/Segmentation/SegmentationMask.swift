package import AttentionTrace

/// The cells of a picture that show an object.
package struct SegmentationMask: Hashable, Sendable {
  /// The grid of its cells.
  package let grid: Grid
  /// `[row, column]`: whether the cell shows the object.
  package let cells: [Bool]

  /// A mask of `cells`, `[row, column]`.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` unless there is one for each cell of the
  ///   grid.
  package init(grid: Grid, cells: [Bool]) throws {
    guard cells.count == grid.pixels else {
      throw AnalysisError.notComparable(
        first: "a mask of \(cells.count) cells", second: "a grid of \(grid)",
        what: "the grid has \(grid.pixels) cells")
    }
    self.init(grid, cells)
  }

  init(_ grid: Grid, _ cells: [Bool]) {
    self.grid = grid
    self.cells = cells
  }

  /// How many cells it covers.
  package var area: Int { cells.count { $0 } }

  /// The mask on another grid: a cell is covered if at least half of its area is.
  package func reduced(to size: Grid) -> SegmentationMask {
    guard size != grid else { return self }
    let rows = Self.shares(from: grid.rows, to: size.rows)
    let columns = Self.shares(from: grid.columns, to: size.columns)
    return SegmentationMask(
      size,
      rows.flatMap { rows in
        columns.map { columns in
          var covered = 0
          for (row, height) in rows {
            for (column, width) in columns where cells[row * grid.columns + column] {
              covered += height * width
            }
          }
          return 2 * covered >= grid.rows * grid.columns
        }
      })
  }

  /// For each of `to` cells, which of `from` cells it lies on and over how much of its length, in
  /// parts of which a cell is `from` long.
  private static func shares(from: Int, to: Int) -> [[(index: Int, length: Int)]] {
    (0..<to).map { place in
      let (start, end) = (place * from, (place + 1) * from)
      return (start / to...(end - 1) / to).map { index in
        (index, min(end, (index + 1) * to) - max(start, index * to))
      }
    }
  }
}
