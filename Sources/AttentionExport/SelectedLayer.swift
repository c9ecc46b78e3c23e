internal import AttentionAnalysis
internal import AttentionTrace

/// A layer of a recording and what is taken of it.
struct SelectedLayer: Sendable {
  /// As it was recorded.
  let recorded: RecordedSite
  /// The heads taken, as ``RecordedSite/headIndices``; the first axis of a call's maps.
  let heads: [Int]
  /// The columns taken, as ``RecordedSite/columnIndices``; the last axis.
  let keys: [Int]

  var site: AttentionSite { recorded.site }
  var grid: Grid { recorded.grid }
  /// Extents of one call's maps, `[head, row, column, token]`, or `[head, frame, row, column, token]`.
  var shape: [Int] {
    [heads.count] + (site.frames.map { [$0] } ?? []) + [grid.rows, grid.columns, keys.count]
  }
  /// Whether a call's maps are taken as they are stored.
  var isWhole: Bool { heads == recorded.headIndices && keys == recorded.columnIndices }
}
