/// The rows and columns of the picture that a layer's queries stand on; never assumed square.
public struct Grid: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Rows, from the top.
  public let rows: Int
  /// Columns, from the left.
  public let columns: Int

  /// A grid of `rows` by `columns` cells.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// The number of cells; pixel `p` stands at row `p / columns`, column `p % columns`.
  public var pixels: Int { rows * columns }

  /// As in `16x24`: rows first.
  public var description: String { "\(rows)x\(columns)" }
}
