internal import AttentionAnalysis
private import AttentionTrace
private import Foundation
private import TensorEngine

extension ScoreTable {
  /// The table as a text, with the end of its last line.
  /// - Parameter width: the longest that a line of text for reading should be.
  package func text(_ format: TabularFormat, width: Int = .max) -> String {
    switch format {
    case .text: plain(width: width)
    case .markdown: withoutDetails.markdown
    case .latex: withoutDetails.latex
    case .csv: csv
    case .json: json
    }
  }

  private var withoutDetails: ScoreTable {
    let shown = scores.indices.filter { !scores[$0].isDetail }
    return ScoreTable(
      scores: shown.map { scores[$0] },
      rows: rows.map { row in
        Row(
          subset: row.subset, method: row.method, title: row.title, isBaseline: row.isBaseline,
          pictures: row.pictures, prompts: row.prompts, cells: shown.map { row.cells[$0] })
      }, keys: keys, baseline: baseline, note: note)
  }

  private static let whole = "all"
  private static let missing = "not scored"
  private var titles: [String] { [keys.subset, keys.method, "n"] + scores.map(\.title) }

  private func names(_ row: Row) -> [String] {
    [row.subset ?? Self.whole, row.title, "\(row.pictures)"]
  }

  /// As in `0.312 [0.301, 0.322]`.
  private static func words(_ interval: BootstrapInterval?, sign: Bool = false) -> String {
    guard let interval, !interval.estimate.isNaN else { return sign ? "-" : missing }
    func number(_ value: Double) -> String { String(format: sign ? "%+.3f" : "%.3f", value) }
    let estimate = number(interval.estimate)
    guard !interval.lower.isNaN else { return estimate }
    return "\(estimate) [\(number(interval.lower)), \(number(interval.upper))]"
  }

  /// The table of means, and that of differences where anything is compared, as texts.
  ///
  /// The first three cells of a row name it. What explains other scores is left out.
  package var tables: [(caption: String, columns: [String], rows: [[String]])] {
    let shown = withoutDetails
    let means = (
      caption: note, columns: shown.titles,
      rows: shown.rows.map { row in names(row) + row.cells.map { Self.words($0?.mean) } }
    )
    let compared = shown.rows.filter { row in row.cells.contains { $0?.difference != nil } }
    guard !compared.isEmpty else { return [means] }
    let differences = (
      caption: "Differences to \(baseline), on the same prompts and seeds.", columns: shown.titles,
      rows: compared.map { row in
        names(row) + row.cells.map { Self.words($0?.difference, sign: true) }
      }
    )
    return [means, differences]
  }

  private func plain(width: Int) -> String {
    let texts = tables.map { table in
      let columns = AlignedColumns(
        [table.columns] + table.rows, leftAligned: [0, 1], keys: 3, width: width)
      return (table.caption, columns.text)
    }
    let (note, means) = texts[0]
    return means + "\n\n" + note + "\n"
      + texts.dropFirst().map { "\n\($0.0.dropLast()):\n\n\($0.1)\n" }.joined()
  }

  private var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ")
        + " |\n"
    }
    let rule = "| --- | --- | ---: |" + String(repeating: " ---: |", count: scores.count) + "\n"
    return tables.map { table in
      line(table.columns) + rule + table.rows.map(line).joined() + "\n" + table.caption + "\n"
    }.joined(separator: "\n")
  }

  private var latex: String {
    func number(_ interval: BootstrapInterval?) -> String {
      guard let interval, !interval.estimate.isNaN else { return Self.missing }
      let estimate = String(format: "$%.3f$", interval.estimate)
      guard !interval.lower.isNaN else { return estimate }
      return estimate
        + String(format: " {\\scriptsize$[%.3f, %.3f]$}", interval.lower, interval.upper)
    }
    func line(_ cells: [String]) -> String {
      // A row that began so would be read as an argument of the line break before it.
      let isArgument = cells.first.map { $0.hasPrefix("[") || $0.hasPrefix("*") } ?? false
      return "  \(isArgument ? "{}" : "")" + cells.joined(separator: " & ") + " \\\\\n"
    }
    let words = (titles + rows.flatMap(names)).joined()
    let foreign = LaTeXText.unusual(in: words).prefix(8).map { "\($0)" }.joined(separator: " ")
    var text = "% needs \\usepackage{booktabs}\n"
    if !foreign.isEmpty {
      text += "% LaTeX's usual fonts lack \(foreign): compile with lualatex or xelatex\n"
    }
    text += "% \(note)\n"
    text += "\\begin{tabular}{llr\(String(repeating: "l", count: scores.count))}\n  \\toprule\n"
    text += line(titles.map(LaTeXText.escaped)) + "  \\midrule\n"
    for (index, row) in rows.enumerated() {
      if index > 0, rows[index - 1].subset != row.subset { text += "  \\midrule\n" }
      text += line(names(row).map(LaTeXText.escaped) + row.cells.map { number($0?.mean) })
    }
    return text + "  \\bottomrule\n\\end{tabular}\n"
  }

  /// The names of a row's numbers and the numbers, those of one score together; NaN where there is none.
  private func numbers(_ row: Row) -> [(name: String, value: Double)] {
    zip(scores, row.cells).flatMap { kind, cell in
      let parts: [(String, BootstrapInterval?)] = [
        ("", cell?.mean), ("_difference", cell?.difference),
      ]
      return parts.flatMap { suffix, interval in
        let name = kind.key + suffix
        return [
          (name: name, value: interval?.estimate ?? .nan),
          (name: name + "_low", value: interval?.lower ?? .nan),
          (name: name + "_high", value: interval?.upper ?? .nan),
        ] + (suffix.isEmpty ? [(name: name + "_n", value: Double(cell?.mean.count ?? 0))] : [])
      }
    }
  }

  private var csv: String {
    func number(_ value: Double) -> String {
      value.isNaN ? "" : value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
    }
    let names = rows.first.map { numbers($0).map(\.name) } ?? []
    let lines =
      [[keys.subset, keys.method, "pictures", "prompts"] + names]
      + rows.map { row in
        [row.subset ?? Self.whole, row.method, "\(row.pictures)", "\(row.prompts)"]
          + numbers(row).map { number($0.value) }
      }
    return lines.map(CSV.line).joined()
  }

  private var json: String {
    let rows = rows.map { row -> [String: Any] in
      var object: [String: Any] = [
        keys.subset: row.subset ?? NSNull(), keys.method: row.method, "pictures": row.pictures,
        "prompts": row.prompts,
      ]
      for (name, value) in numbers(row) { object[name] = value.isNaN ? NSNull() : value }
      return object
    }
    let document: [String: Any] = ["level": 0.95, "clustered_by": "prompt", "rows": rows]
    let data = try? JSONSerialization.data(
      withJSONObject: document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self) + "\n"
  }
}
