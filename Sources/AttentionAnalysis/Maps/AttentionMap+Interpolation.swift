package import AttentionTrace

extension AttentionMap {
  /// The largest value that is a number; `nil` if none is.
  package var maximum: Float? { values.lazy.filter(\.isFinite).max() }

  /// The value farthest from zero that is a number; `nil` if none is.
  package var extreme: Float? { values.lazy.filter(\.isFinite).max { abs($0) < abs($1) } }

  /// The map on a grid `factor` times as fine; see ``interpolated(on:_:)``.
  package func enlarged(by factor: Int, _ kernel: Recipe.Interpolation) -> AttentionMap {
    interpolated(
      on: Grid(rows: grid.rows * factor, columns: grid.columns * factor), kernel)
  }

  /// The map on another grid, interpolated between the centres of the cells and clamped to its own
  /// range, which bicubic interpolation would leave; itself for `.nearest`.
  package func interpolated(on grid: Grid, _ kernel: Recipe.Interpolation) -> AttentionMap {
    guard kernel != .nearest, grid != self.grid else { return self }
    var fine = resized(to: grid, by: kernel)
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 0)
    fine.values = fine.values.map { min(max($0, least), greatest) }
    return fine
  }

  /// This map − `other`, cell by cell; `nil` if their grids differ.
  package func difference(from other: AttentionMap) -> AttentionMap? {
    guard grid == other.grid else { return nil }
    return AttentionMap(grid: grid, values: zip(values, other.values).map { $0 - $1 })
  }
}
