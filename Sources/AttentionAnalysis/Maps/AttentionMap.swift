public import AttentionTrace
internal import TensorEngine

/// A map over the picture's cells: attention probabilities, or numbers computed from them.
public struct AttentionMap: Hashable, Sendable {
  /// The grid of its cells.
  public let grid: Grid
  /// `[row, column]`, one value per cell.
  public var values: [Float]

  /// A map of `values`, `[row, column]`.
  /// - Precondition: there are as many values as cells.
  public init(grid: Grid, values: [Float]) {
    guard values.count == grid.pixels else { bug("\(values.count) values on \(grid)") }
    self.grid = grid
    self.values = values
  }

  /// The largest value and the first cell that has it, in row-major order.
  public var peak: MapPeak { MapPeak(of: self) }

  /// The largest value; NaN if any is.
  public var largest: Float { values.reduce(-.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 } }
}
