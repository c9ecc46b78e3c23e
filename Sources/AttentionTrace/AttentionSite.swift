/// The rows and columns of the picture that a layer's queries stand on; never assumed square.
public struct Grid: Hashable, Sendable, Codable, LosslessStringConvertible {
  /// Rows, from the top.
  public let rows: Int
  /// Columns, from the left.
  public let columns: Int

  /// A grid of `rows` by `columns` cells.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// Reads what ``description`` writes; `nil` for anything but two numbers above 0 around an `x`.
  public init?(_ description: String) {
    let sides = description.split(separator: "x", omittingEmptySubsequences: false)
    guard sides.count == 2, let rows = Int(sides[0]), let columns = Int(sides[1]), rows > 0,
      columns > 0
    else { return nil }
    self.init(rows: rows, columns: columns)
  }

  /// The number of cells; pixel `p` stands at row `p / columns`, column `p % columns`.
  public var pixels: Int { rows * columns }

  /// As in `16x24`: rows first.
  public var description: String { "\(rows)x\(columns)" }
}

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
  /// Where the queries stand.
  public let grid: Grid
  /// The number of keys: tokens for cross-attention, pixels for self-attention.
  public let keys: Int
  /// Numbers of a query, all heads together; `nil` where it is not known.
  public let width: Int?

  /// Describes a layer; see the properties.
  public init(path: String, kind: Kind, heads: Int, grid: Grid, keys: Int, width: Int? = nil) {
    self.path = path
    self.kind = kind
    self.heads = heads
    self.grid = grid
    self.keys = keys
    self.width = width
  }
}

/// The points of an attention that can be seen.
public enum AttentionPoint: String, Hashable, Sendable, Codable, CaseIterable {
  /// What each pixel asks of the tokens, `[branch, pixel, width]`: heads lie side by side in width,
  /// and nothing is scaled yet. Of cross-attention only.
  case queries
  /// Before the softmax, `[branch, head, pixel, token]`: queries times keys, scaled.
  case scores
  /// After the softmax, `[branch, head, pixel, token]`: each row over the tokens sums to 1, unless a
  /// method changes it.
  case probabilities
}

extension AttentionSite {
  /// How many values a branch has at `point`.
  func count(at point: AttentionPoint) -> Int {
    point == .queries ? grid.pixels * (width ?? 0) : heads * grid.pixels * keys
  }
}
