/// One attention layer at one size: its name in the checkpoint and the extents of its maps.
public struct AttentionSite: Hashable, Sendable, Codable {
  /// What the keys are.
  public enum Kind: String, Hashable, Sendable, Codable {
    /// The prompt's tokens (`attn2`).
    case cross
    /// The picture's own cells (`attn1`).
    case `self`
  }

  /// The layer's path in the checkpoint, as in
  /// `down_blocks.1.attentions.0.transformer_blocks.0.attn2`.
  public let path: String
  /// What the keys are.
  public let kind: Kind
  /// The number of heads.
  public let heads: Int
  /// The grid of the queries.
  public let grid: Grid
  /// The number of keys: tokens for cross-attention, pixels for self-attention.
  public let keys: Int
  /// Elements of a query, all heads together; `nil` where it is not known.
  public let width: Int?

  /// A layer of `heads` heads, whose queries are on `grid` and whose keys are `keys` tokens or pixels.
  public init(path: String, kind: Kind, heads: Int, grid: Grid, keys: Int, width: Int? = nil) {
    self.path = path
    self.kind = kind
    self.heads = heads
    self.grid = grid
    self.keys = keys
    self.width = width
  }
}

extension AttentionSite {
  /// How many values a branch has at `point`.
  func count(at point: AttentionPoint) -> Int {
    point == .queries ? grid.pixels * (width ?? 0) : heads * grid.pixels * keys
  }
}
