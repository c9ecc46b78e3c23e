/// Rows of cells in aligned columns, two spaces apart, without spaces at the ends of lines.
package struct AlignedColumns {
  /// The lines, without a line break after the last.
  package let text: String

  /// - Parameters:
  ///   - rows: Cells, the same number in each row; the first row is usually the titles.
  ///   - leftAligned: The columns whose cells begin at the left; the others end at the right.
  package init(_ rows: [[String]], leftAligned: Set<Int>) {
    let widths = rows.reduce(into: [Int](repeating: 0, count: rows.first?.count ?? 0)) {
      for (index, cell) in $1.enumerated() { $0[index] = max($0[index], cell.count) }
    }
    text = rows.map { row in
      let cells = row.enumerated().map { index, cell in
        let space = String(repeating: " ", count: widths[index] - cell.count)
        return leftAligned.contains(index) ? cell + space : space + cell
      }
      var line = cells.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
