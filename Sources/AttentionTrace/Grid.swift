/// The rows and columns of the picture of a layer's queries; not necessarily square.
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

  /// The extents that a run's pictures and maps may have: no more than their products, of which memory is
  /// made, can be counted.
  package static let extents = 1...(1 << 20)

  /// Reads what ``description`` writes; `nil` for anything but two numbers in 1…2²⁰ around an `x`.
  public init?(_ description: String) {
    let sides = description.split(separator: "x", omittingEmptySubsequences: false)
    guard sides.count == 2, let rows = Int(sides[0]), let columns = Int(sides[1]),
      Self.extents.contains(rows), Self.extents.contains(columns)
    else { return nil }
    self.init(rows: rows, columns: columns)
  }

  /// The number of cells; pixel `p` is at row `p / columns`, column `p % columns`.
  public var pixels: Int { rows * columns }

  /// As in `16x24`: rows first.
  public var description: String { "\(rows)x\(columns)" }
}
