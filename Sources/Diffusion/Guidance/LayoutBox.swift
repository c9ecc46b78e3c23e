internal import AttentionTrace
package import PromptText
internal import TensorEngine

/// Where in the picture a subject should be.
package struct LayoutBox: Hashable, Sendable {
  /// The subject that belongs in the box.
  package let subject: Subject
  /// Fractions of the picture's width, 0…1 from the left.
  package let columns: ClosedRange<Double>
  /// Fractions of the picture's height, 0…1 from the top.
  package let rows: ClosedRange<Double>

  /// A box from one corner to the other, in fractions of the picture.
  /// - Throws: ``DiffusionError`` when it is empty or reaches beyond the picture.
  package init(_ subject: Subject, left: Double, top: Double, right: Double, bottom: Double) throws
  {
    func require(_ from: Double, _ to: Double, _ names: String) throws {
      try DiffusionError.require(
        0 <= from && from < to && to <= 1, "the box of \(subject.name)", "\(names) \(from), \(to)",
        "fractions of the picture from 0 to 1, the first below the second")
    }
    try require(left, right, "x from and to")
    try require(top, bottom, "y from and to")
    self.subject = subject
    (columns, rows) = (left...right, top...bottom)
  }

  /// Whether it is a subject's, by whatever name.
  func isOf(_ subject: Subject) -> Bool { self.subject.tokens == subject.tokens }

  /// The rows of a grid that it covers, each edge at the nearest line.
  func rows(of grid: Grid) -> Range<Int> { Self.cells(rows, of: grid.rows) }

  /// The columns of a grid that it covers.
  func columns(of grid: Grid) -> Range<Int> { Self.cells(columns, of: grid.columns) }

  private static func cells(_ shares: ClosedRange<Double>, of count: Int) -> Range<Int> {
    // Halves to even, as Python's round.
    func line(_ share: Double) -> Int {
      Int((share * Double(count)).rounded(.toNearestOrEven))
    }
    return line(shares.lowerBound)..<line(shares.upperBound)
  }

  /// 1 inside and 0 outside, `[pixel]` of a grid.
  func mask(at grid: Grid) -> Tensor {
    let (rows, columns) = (rows(of: grid), columns(of: grid))
    return Tensor(
      (0..<grid.rows * grid.columns).map { pixel in
        rows.contains(pixel / grid.columns) && columns.contains(pixel % grid.columns) ? 1 : 0
      }, shape: [grid.rows * grid.columns])
  }
}

extension [LayoutBox] {
  /// - Throws: ``DiffusionError`` unless each box covers a cell, and no subject has two.
  func requireCells(at grid: Grid) throws {
    for box in self {
      let (rows, columns) = (box.rows(of: grid).count, box.columns(of: grid).count)
      try DiffusionError.require(
        rows > 0 && columns > 0, "the box of \(box.subject.name)",
        "\(rows) rows and \(columns) columns of the grid \(grid)", "at least one cell")
      let same = count { $0.isOf(box.subject) }
      try DiffusionError.require(
        same == 1, "the number of boxes of \(box.subject.name)", String(same), "1")
    }
  }
}
