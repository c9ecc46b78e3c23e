/// A layer whose maps are in a store, and which of its heads and tokens.
public struct RecordedSite: Hashable, Sendable, Codable {
  /// What stands for a site's heads where they are not kept one by one.
  package enum HeadReduction: String, Hashable, Sendable, Codable {
    /// Their mean.
    case mean
  }

  /// A column of the maps that is the sum over keys that are not kept one by one.
  package struct SummedColumn: Hashable, Sendable, Codable {
    /// What the keys are, as in `padding`.
    package let name: String
    /// The number of keys.
    package let keys: Int
  }

  /// The layer as the model has it.
  public let site: AttentionSite
  /// The heads kept, ascending: the first axis of a call's maps.
  public let heads: [Int]
  /// The tokens kept, ascending: the last axis; `nil` for self-attention, whose keys are all kept.
  public let tokens: [Int]?
  /// What the heads were reduced to; `nil` where each is there.
  package let reducedHeads: HeadReduction?
  /// The columns behind the tokens; `nil` for none.
  package let summedColumns: [SummedColumn]?

  package init(site: AttentionSite, heads: [Int], tokens: [Int]?) {
    self.site = site
    self.heads = heads
    self.tokens = tokens
    reducedHeads = nil
    summedColumns = nil
  }

  /// The number of keys kept.
  public var keys: Int { tokens?.count ?? site.keys }

  /// Extents of one call's maps, `[head, row, column, token]`.
  public var shape: [Int] { [heads.count, site.grid.rows, site.grid.columns, keys] }

  /// The number of elements of one call's maps.
  var count: Int { heads.count * site.grid.pixels * keys }
}
