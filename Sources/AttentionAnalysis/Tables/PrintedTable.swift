private import Foundation

/// A table as people read it, in a terminal or in a paper: words, and numbers with their intervals.
package struct PrintedTable {
  /// What stands in a place.
  package enum Cell: Hashable, Sendable {
    case words(String)
    /// A number as it is written, and the ends of its interval where it has one.
    case number(String, ends: [String] = [])

    /// A statistic with its interval, with so many digits after the point; `-` where it is not defined.
    static func interval(_ interval: BootstrapInterval, digits: Int = 3) -> Cell {
      func text(_ value: Double) -> String {
        value.isNaN ? "-" : String(format: "%.\(digits)f", value)
      }
      let ends = [interval.lower, interval.upper]
      return .number(
        text(interval.estimate), ends: ends.contains(where: \.isNaN) ? [] : ends.map(text))
    }

    /// As in `0.312 [0.301, 0.322]`.
    fileprivate var plain: String {
      switch self {
      case .words(let words): words
      case .number(let number, let ends):
        number + (ends.isEmpty ? "" : " [\(ends.joined(separator: ", "))]")
      }
    }

    /// The same in LaTeX, the interval in small type.
    fileprivate var latex: String {
      switch self {
      case .words(let words): return Self.escaped(words)
      case .number(let number, let ends):
        guard Double(number) != nil else { return Self.escaped(number) }
        let interval =
          ends.isEmpty
          ? "" : " {\\scriptsize$[\(ends.map(Self.power).joined(separator: ", "))]$}"
        return "$\(Self.power(number))$" + interval
      }
    }

    /// A number with its power of ten as mathematics has it.
    private static func power(_ number: String) -> String {
      guard let mark = number.firstIndex(of: "e"),
        let power = Int(number[number.index(after: mark)...])
      else { return number }
      return "\(number[..<mark])\\cdot10^{\(power)}"
    }

    /// A text in which no character means anything to LaTeX.
    fileprivate static func escaped(_ text: String) -> String {
      let commands: [Character: String] = [
        "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
        "−": "$-$",
      ]
      return text.reduce(into: "") { result, character in
        result +=
          commands[character]
          ?? ("&%$#_{}".contains(character) ? "\\\(character)" : String(character))
      }
    }
  }

  /// What stands above the columns.
  let titles: [String]
  /// As many cells in each row as there are titles.
  let rows: [[Cell]]
  /// How many of the first columns say what a row is of.
  let keys: Int
  /// The columns whose cells begin at the left; the others end at the right.
  let leftAligned: Set<Int>

  /// Aligned columns, without the end of the last line.
  /// - Parameter width: the longest that a line should be.
  func plain(width: Int) -> String {
    AlignedColumns(
      [titles] + rows.map { $0.map(\.plain) }, leftAligned: leftAligned, keys: keys, width: width
    ).text
  }

  /// A table of Markdown, with the end of its last line.
  var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    let rule = titles.indices.map { leftAligned.contains($0) ? "---" : "---:" }
    return line(titles) + line(rule) + rows.map { line($0.map(\.plain)) }.joined()
  }

  /// A `tabular` with the rules of the package booktabs, with the end of its last line.
  var latex: String {
    func line(_ cells: [String]) -> String { "  " + cells.joined(separator: " & ") + " \\\\\n" }
    let columns = titles.indices.map { leftAligned.contains($0) ? "l" : "r" }.joined()
    return "\\begin{tabular}{\(columns)}\n  \\toprule\n" + line(titles.map(Cell.escaped))
      + "  \\midrule\n" + rows.map { line($0.map(\.latex)) }.joined()
      + "  \\bottomrule\n\\end{tabular}\n"
  }

  /// Lines that LaTeX does not read.
  static func latexComment(_ text: String) -> String {
    text.split(separator: "\n").map { "% \($0)\n" }.joined()
  }

  /// The line that says what ``latex`` needs.
  static let latexNeeds = latexComment("needs \\usepackage{booktabs}")
}
