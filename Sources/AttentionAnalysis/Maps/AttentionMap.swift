public import AttentionTrace

/// A map over the picture's cells: attention probabilities, or numbers made of them.
public struct AttentionMap: Hashable, Sendable {
  /// Where the cells stand.
  public let grid: Grid
  /// `[row, column]`, as many as the grid has cells.
  public var values: [Float]

  /// A map of `values`, `[row, column]`.
  /// - Precondition: there are as many values as cells.
  public init(grid: Grid, values: [Float]) {
    precondition(values.count == grid.pixels, "\(values.count) values on \(grid)")
    self.grid = grid
    self.values = values
  }

  /// The largest value; NaN if any is.
  public var largest: Float { values.reduce(-.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 } }
}
