package import AttentionAnalysis
internal import AttentionTrace

/// A word's attention over the picture: one value a cell.
public struct HeatMap: Hashable, Sendable {
  /// Cells from top to bottom.
  public let rows: Int
  /// Cells from left to right.
  public let columns: Int
  /// `[row, column]` the values, probabilities as a rule; NaN where nothing was recorded.
  public let values: [Float]

  /// Makes a map of its values.
  /// - Precondition: `values` has `rows` × `columns` elements, and there is at least one.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(
      rows > 0 && columns > 0 && values.count == rows * columns,
      "\(values.count) values for a map of \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  init(_ map: AttentionMap) {
    self.init(rows: map.grid.rows, columns: map.grid.columns, values: map.values)
  }

  /// The value farthest from zero that is a number; `nil` if none is.
  var extreme: Float? { values.lazy.filter(\.isFinite).max { abs($0) < abs($1) } }

  /// The map on a grid `factor` times as fine, spread between the middles of the cells and held within
  /// its own range, which bicubic would leave; itself where nothing is spread.
  package func enlarged(by factor: Int, _ kernel: Recipe.Interpolation) -> HeatMap {
    guard kernel != .nearest, factor > 1 else { return self }
    let fine = AttentionMap(grid: Grid(rows: rows, columns: columns), values: values)
      .resized(to: Grid(rows: rows * factor, columns: columns * factor), by: kernel)
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
    return HeatMap(
      rows: fine.grid.rows, columns: fine.grid.columns,
      values: fine.values.map { min(max($0, least), greatest) })
  }

  /// This map less `other`, cell by cell; `nil` for one of other cells.
  func difference(from other: HeatMap) -> HeatMap? {
    guard rows == other.rows, columns == other.columns else { return nil }
    return HeatMap(rows: rows, columns: columns, values: zip(values, other.values).map { $0 - $1 })
  }

  /// The largest value that is a number; `nil` if none is.
  public var maximum: Float? { values.lazy.filter(\.isFinite).max() }
}
