package import AttentionTrace

extension AttentionMap {
  /// The map on another grid, its cells aligned by their edges.
  package func resized(to size: Grid, by kernel: Recipe.Interpolation) -> AttentionMap {
    var stack = MapStack(heads: [0], grid: grid, tokens: [0], values: values)
    stack.resize(kernel, to: size)
    return AttentionMap(grid: size, values: stack.values)
  }
}
