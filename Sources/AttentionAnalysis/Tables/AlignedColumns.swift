internal import TensorEngine

/// Rows of cells in aligned columns, two spaces apart, without spaces at the ends of lines.
package struct AlignedColumns {
  /// The lines, without a line break after the last.
  package let text: String

  /// - Parameters:
  ///   - rows: Cells, the same number in each row; the first row is usually the titles.
  ///   - leftAligned: The columns whose cells begin at the left; the others end at the right.
  ///   - keys: How many of the first columns say what a row is of.
  ///   - width: The longest that a line should be. A table that is wider is parted into several below each
  ///     other, a blank line between them, which begin with the keys.
  package init(
    _ rows: [[String]], leftAligned: Set<Int>, keys: Int = 0, width: Int = .max
  ) {
    let rows = rows.map { $0.map(PlainText.line) }
    let widths = rows.reduce(into: [Int](repeating: 0, count: rows.first?.count ?? 0)) {
      for (index, cell) in $1.enumerated() { $0[index] = max($0[index], cell.count) }
    }
    text = Self.parts(widths, keys: keys, width: width).map { columns in
      rows.map { row in
        let cells = columns.map { index in
          let space = String(repeating: " ", count: widths[index] - row[index].count)
          return leftAligned.contains(index) ? row[index] + space : space + row[index]
        }
        var line = cells.joined(separator: "  ")
        while line.hasSuffix(" ") { line.removeLast() }
        return line
      }.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// The columns of each part: as many as fit, and one at least besides the keys.
  private static func parts(_ widths: [Int], keys: Int, width: Int) -> [[Int]] {
    let first = Array(0..<min(keys, widths.count))
    var parts = [first]
    for column in first.count..<widths.count {
      let last = parts.count - 1
      let needed = (parts[last] + [column]).map { widths[$0] + 2 }.reduce(-2, +)
      if needed > width, parts[last].count > first.count {
        parts.append(first + [column])
      } else {
        parts[last].append(column)
      }
    }
    return parts
  }
}
