internal import AttentionTrace

/// A layer of a recording and what is taken of it.
struct SelectedLayer: Sendable {
  /// As it was recorded.
  let recorded: RecordedSite
  /// The heads taken, by index; the first axis of a call's maps.
  let heads: [Int]
  /// The keys taken, by index; the last axis.
  let keys: [Int]

  var site: AttentionSite { recorded.site }
  /// Extents of one call's maps, `[head, row, column, token]`.
  var shape: [Int] { [heads.count, site.grid.rows, site.grid.columns, keys.count] }
  /// Whether a call's maps are taken as they are stored.
  var isWhole: Bool { heads == recorded.heads && keys == recorded.allKeys }
}
