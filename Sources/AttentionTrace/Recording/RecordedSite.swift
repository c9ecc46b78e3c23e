/// A layer whose maps are in a store, and what is kept of them.
public struct RecordedSite: Hashable, Sendable {
  /// What stands for a site's heads where they are not kept one by one.
  public enum HeadReduction: String, Hashable, Sendable, Codable, CaseIterable {
    /// Their mean.
    case mean
  }

  /// A column of the maps that is the sum over keys that are not kept one by one.
  public struct SummedColumn: Hashable, Sendable, Codable {
    /// What the keys are: ``padding``, ``image``, or another name.
    public let name: String
    /// The number of keys.
    public let keys: Int

    /// The sum over every key of the text that is not kept.
    public static let padding = "padding"
    /// The sum over every key of the picture.
    public static let image = "image"

    /// A column that is the sum over `keys` keys.
    public init(name: String, keys: Int) {
      self.name = name
      self.keys = keys
    }
  }

  /// The layer as the model has it.
  public let site: AttentionSite
  /// The heads kept, ascending, or those that ``reducedHeads`` reduces to one.
  public let heads: [Int]
  /// The tokens kept one by one, ascending; `nil` where every key is kept, as of self-attention.
  public let tokens: [Int]?
  /// What the heads were reduced to; `nil` where each is there.
  public let reducedHeads: HeadReduction?
  /// The columns behind the tokens; empty for none.
  public let summedColumns: [SummedColumn]
  /// The smaller grid onto which the maps were averaged by area; `nil` for the layer's own.
  let averagedGrid: Grid?

  /// What is kept of `site`.
  /// - Parameters:
  ///   - heads: ascending indices.
  ///   - tokens: ascending indices; `nil` for every key.
  ///   - reducedHeads: what stands for the heads; `nil` for each of them.
  ///   - summedColumns: the columns behind the tokens.
  ///   - grid: of the maps; `nil` for the layer's own.
  public init(
    site: AttentionSite, heads: [Int], tokens: [Int]?, reducedHeads: HeadReduction? = nil,
    summedColumns: [SummedColumn] = [], grid: Grid? = nil
  ) {
    self.site = site
    self.heads = heads
    self.tokens = tokens
    self.reducedHeads = reducedHeads
    self.summedColumns = summedColumns
    averagedGrid = grid == site.grid ? nil : grid
  }

  /// The grid of the maps, which is the layer's own unless they were averaged onto a smaller one.
  public var grid: Grid { averagedGrid ?? site.grid }

  /// The indices along the axis of heads; -1 for their mean.
  public var headIndices: [Int] { reducedHeads == nil ? heads : [-1] }

  /// The number of keys kept one by one.
  public var keys: Int { tokens?.count ?? site.keys }

  /// The length of the maps' last axis: the keys, then the summed columns.
  public var columns: Int { keys + summedColumns.count }

  /// The indices along the maps' last axis: those of the keys, then -1, -2, … for the summed columns.
  public var columnIndices: [Int] {
    (tokens ?? Array(0..<site.keys)) + summedColumns.indices.map { -1 - $0 }
  }

  /// The index of the summed column with a name along the last axis; `nil` if there is none.
  public func index(ofSum name: String) -> Int? {
    summedColumns.firstIndex { $0.name == name }.map { -1 - $0 }
  }

  /// Whether the columns hold every key of the softmax, so that each row sums to 1.
  public var holdsEveryKey: Bool {
    keys + summedColumns.reduce(0) { $0 + $1.keys } == site.keys
  }

  /// Extents of one call's maps: `[head, row, column, token]`, or `[head, frame, row, column, token]` where
  /// the layer has frames.
  ///
  /// The last axis has ``columns``.
  public var shape: [Int] {
    [headIndices.count] + (site.frames.map { [$0] } ?? []) + [grid.rows, grid.columns, columns]
  }

  /// The number of elements of one call's maps.
  var count: Int { shape.reduce(1, *) }
}

extension RecordedSite: Codable {
  private enum CodingKeys: String, CodingKey {
    case site, heads, tokens, reducedHeads, summedColumns
    case averagedGrid = "grid"
  }

  /// Reads what is kept of a layer; what is not named is as the layer has it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      site: try container.decode(AttentionSite.self, forKey: .site),
      heads: try container.decode([Int].self, forKey: .heads),
      tokens: try container.decodeIfPresent([Int].self, forKey: .tokens),
      reducedHeads: try container.decodeIfPresent(HeadReduction.self, forKey: .reducedHeads),
      summedColumns: try container.decodeIfPresent([SummedColumn].self, forKey: .summedColumns)
        ?? [],
      grid: try container.decodeIfPresent(Grid.self, forKey: .averagedGrid))
  }

  /// Writes what is kept of a layer.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(site, forKey: .site)
    try container.encode(heads, forKey: .heads)
    try container.encodeIfPresent(tokens, forKey: .tokens)
    try container.encodeIfPresent(reducedHeads, forKey: .reducedHeads)
    if !summedColumns.isEmpty { try container.encode(summedColumns, forKey: .summedColumns) }
    try container.encodeIfPresent(averagedGrid, forKey: .averagedGrid)
  }
}
