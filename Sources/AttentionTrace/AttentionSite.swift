/// One attention layer at one size: its name in the checkpoint and the extents of its maps.
public struct AttentionSite: Hashable, Sendable, Codable {
  /// What the keys are.
  public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
    /// The prompt's tokens (`attn2`).
    case cross
    /// The picture's own cells (`attn1`).
    case `self`
    /// The text's tokens and the picture's own cells, under one softmax: the rows of the picture's cells
    /// in joint attention.
    case joint

    /// Whether a text's tokens are among the keys.
    public var readsText: Bool { self != .`self` }
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
  /// The number of keys: tokens for cross-attention, pixels for self-attention, both for joint attention.
  public let keys: Int
  /// Elements of a query, all heads together; `nil` where it is not known.
  public let width: Int?
  /// The grids that lie behind each other, for a model of video; `nil` for one.
  public let frames: Int?

  /// A layer of `heads` heads, whose queries are on `frames` grids and whose keys are `keys` tokens or
  /// pixels.
  public init(
    path: String, kind: Kind, heads: Int, grid: Grid, keys: Int, width: Int? = nil,
    frames: Int? = nil
  ) {
    self.path = path
    self.kind = kind
    self.heads = heads
    self.grid = grid
    self.keys = keys
    self.width = width
    self.frames = frames
  }

  /// Reads a site; one that does not say its kind is of cross-attention.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    path = try container.decode(String.self, forKey: .path)
    kind = try container.decodeIfPresent(Kind.self, forKey: .kind) ?? .cross
    heads = try container.decode(Int.self, forKey: .heads)
    grid = try container.decode(Grid.self, forKey: .grid)
    keys = try container.decode(Int.self, forKey: .keys)
    width = try container.decodeIfPresent(Int.self, forKey: .width)
    frames = try container.decodeIfPresent(Int.self, forKey: .frames)
  }
}

extension AttentionSite {
  /// The number of queries: the cells of every frame.
  package var cells: Int { (frames ?? 1) * grid.pixels }

  /// How many values a branch has at `point`.
  func count(at point: AttentionPoint) -> Int {
    point == .queries ? cells * (width ?? 0) : heads * cells * keys
  }
}
