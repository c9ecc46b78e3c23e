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

  private static let whole = Suite.wholeName
  private static let missing = "not scored"
  private var titles: [String] { [keys.subset, keys.method, "n"] + scores.map(\.title) }

  private func names(_ row: Row, _ count: Int) -> [String] {
    [row.subset ?? Self.whole, row.title, "\(count)"]
  }

  /// As in `0.312 [0.301, 0.322]`, and `(1180)` after it where it is not of the row's `count` of pictures.
  private static func words(
    _ interval: BootstrapInterval?, of count: Int, sign: Bool = false
  ) -> String {
    guard let interval, !interval.estimate.isNaN else { return sign ? "-" : missing }
    func number(_ value: Double) -> String { String(format: sign ? "%+.3f" : "%.3f", value) }
    let ends = interval.lower.isNaN ? "" : " [\(number(interval.lower)), \(number(interval.upper))]"
    return number(interval.estimate) + ends
      + (interval.count == count ? "" : " (\(interval.count))")
  }

  /// The rows that are compared, each with the most pairs of pictures that any score has.
  private var compared: [(row: Row, pairs: Int)] {
    rows.compactMap { row in
      row.cells.compactMap { $0?.difference?.count }.max().map { (row: row, pairs: $0) }
    }
  }

  /// What a number in round brackets says; `nil` where none has one.
  ///
  /// Where each mean is of its row's pictures, each difference is of its row's pairs.
  private var bracketNote: String? {
    let isUsed = rows.contains { row in
      row.cells.contains { $0.map { $0.mean.count != row.pictures } ?? false }
    }
    guard isUsed else { return nil }
    return "A number in round brackets counts pictures, or pairs of them, where it is not n."
  }

  private var differenceNote: String {
    "Differences to \(baseline), on the same prompts and seeds; n counts pairs of pictures"
  }

  /// The table of means, and that of differences where anything is compared, as texts.
  ///
  /// The first three cells of a row name it. What explains other scores is left out.
  package var tables: [(caption: String, columns: [String], rows: [[String]])] {
    let shown = withoutDetails
    let brackets = shown.bracketNote.map { " " + $0 } ?? ""
    let means = (
      caption: note + brackets, columns: shown.titles,
      rows: shown.rows.map { row in
        names(row, row.pictures) + row.cells.map { Self.words($0?.mean, of: row.pictures) }
      }
    )
    let compared = shown.compared
    guard !compared.isEmpty else { return [means] }
    let differences = (
      caption: differenceNote + "." + brackets, columns: shown.titles,
      rows: compared.map { row, pairs in
        names(row, pairs)
          + row.cells.map { Self.words($0?.difference, of: pairs, sign: true) }
      }
    )
    return [means, differences]
  }

  private func plain(width: Int) -> String {
    let texts = tables.map { table in
      AlignedColumns([table.columns] + table.rows, leftAligned: [0, 1], keys: 3, width: width).text
    }
    let notes = [note] + (withoutDetails.bracketNote.map { [$0] } ?? [])
    return texts[0] + "\n\n" + notes.joined(separator: "\n") + "\n"
      + texts.dropFirst().map { "\n\(differenceNote):\n\n\($0)\n" }.joined()
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
    let words = (titles + rows.flatMap { names($0, 0) }).joined()
    let foreign = LaTeXText.unusual(in: words).prefix(8).map { "\($0)" }.joined(separator: " ")
    var text = "% needs \\usepackage{booktabs}\n"
    if !foreign.isEmpty {
      text += "% LaTeX's usual fonts lack \(foreign): compile with lualatex or xelatex\n"
    }
    let captions = tables.map { "% \(PlainText.line($0.caption))\n" }
    let means = rows.map { row in
      (row, row.pictures, row.cells.map { Self.formula($0?.mean, of: row.pictures) })
    }
    text += captions[0] + tabular(means)
    let differences = compared.map { row, pairs in
      (row, pairs, row.cells.map { Self.formula($0?.difference, of: pairs, sign: true) })
    }
    return differences.isEmpty ? text : text + "\n" + captions[1] + tabular(differences)
  }

  /// What ``words(_:of:sign:)`` gives, for LaTeX, the interval and the count in small type.
  private static func formula(
    _ interval: BootstrapInterval?, of count: Int, sign: Bool = false
  ) -> String {
    guard let interval, !interval.estimate.isNaN else { return sign ? "--" : missing }
    let form = sign ? "%+.3f" : "%.3f"
    let ends =
      interval.lower.isNaN
      ? [] : [String(format: "$[\(form), \(form)]$", interval.lower, interval.upper)]
    let small = (ends + (interval.count == count ? [] : ["(\(interval.count))"]))
      .joined(separator: " ")
    return String(format: "$\(form)$", interval.estimate)
      + (small.isEmpty ? "" : " {\\scriptsize\(small.hasPrefix("$") ? "" : " ")\(small)}")
  }

  /// A `tabular` of rows with their counts and the cells behind these.
  private func tabular(_ rows: [(row: Row, count: Int, cells: [String])]) -> String {
    func line(_ cells: [String]) -> String {
      // A row that began so would be read as an argument of the line break before it.
      let isArgument = cells.first.map { $0.hasPrefix("[") || $0.hasPrefix("*") } ?? false
      return "  \(isArgument ? "{}" : "")" + cells.joined(separator: " & ") + " \\\\\n"
    }
    let columns = "llr" + String(repeating: "l", count: scores.count)
    var text = "\\begin{tabular}{\(columns)}\n  \\toprule\n"
    text += line(titles.map(LaTeXText.escaped)) + "  \\midrule\n"
    for (index, (row, count, cells)) in rows.enumerated() {
      if index > 0, rows[index - 1].row.subset != row.subset { text += "  \\midrule\n" }
      text += line(names(row, count).map(LaTeXText.escaped) + cells)
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
          (
            name: name + "_n",
            value: interval.map { Double($0.count) } ?? (suffix.isEmpty ? 0 : .nan)
          ),
        ]
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
