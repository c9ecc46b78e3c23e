/// A layer whose maps are in a store, and which of its heads and tokens.
public struct RecordedSite: Hashable, Sendable, Codable {
  /// The layer as the model has it.
  public let site: AttentionSite
  /// The heads kept, ascending: the first axis of a call's maps.
  public let heads: [Int]
  /// The tokens kept, ascending: the last axis; `nil` for self-attention, whose keys are all kept.
  public let tokens: [Int]?

  package init(site: AttentionSite, heads: [Int], tokens: [Int]?) {
    self.site = site
    self.heads = heads
    self.tokens = tokens
  }

  /// The number of keys kept.
  public var keys: Int { tokens?.count ?? site.keys }

  /// Extents of one call's maps, `[head, row, column, token]`.
  public var shape: [Int] { [heads.count, site.grid.rows, site.grid.columns, keys] }

  /// The number of elements of one call's maps.
  var count: Int { heads.count * site.grid.pixels * keys }
}
