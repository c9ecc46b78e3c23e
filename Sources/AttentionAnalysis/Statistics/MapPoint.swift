public import AttentionTrace
internal import Glibc

/// A place on a map, in cells from the centre of the first one; NaN where there is no such place.
public struct MapPoint: Hashable, Sendable {
  /// From the top; the centre of the first row is 0.
  public let row: Double
  /// From the left; the centre of the first column is 0.
  public let column: Double

  /// A place at `row` and `column`.
  public init(row: Double, column: Double) {
    self.row = row
    self.column = column
  }

  static let nowhere = MapPoint(row: .nan, column: .nan)

  /// The distance to `other`, in cells.
  public func distance(to other: MapPoint) -> Double {
    hypot(row - other.row, column - other.column)
  }

  /// The same place as fractions of the picture's height and width: 0, 0 is its top left corner and 1, 1
  /// its bottom right one.
  public func share(of grid: Grid) -> (row: Double, column: Double) {
    ((row + 0.5) / Double(grid.rows), (column + 0.5) / Double(grid.columns))
  }
}
