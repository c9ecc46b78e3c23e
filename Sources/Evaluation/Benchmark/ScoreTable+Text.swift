internal import AttentionAnalysis
private import Foundation

extension ScoreTable {
  /// The table as a text, with the end of its last line.
  /// - Parameter width: the longest that a line of text for reading should be.
  package func text(_ format: TabularFormat, width: Int = .max) -> String {
    switch format {
    case .text: withoutDetails.plain(width: width)
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
          subset: row.subset, method: row.method, title: row.title, pictures: row.pictures,
          prompts: row.prompts, cells: shown.map { row.cells[$0] })
      })
  }

  private static let whole = "all"
  private static let missing = "not scored"
  private static let note =
    "Means with 95 % bootstrap intervals over prompts and seeds, clustered by prompt."

  private var titles: [String] { ["subset", "method", "n"] + scores.map(\.title) }

  private func keys(_ row: Row) -> [String] {
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

  private func plain(width: Int) -> String {
    let means = AlignedColumns(
      [titles] + rows.map { row in keys(row) + row.cells.map { Self.words($0?.mean) } },
      leftAligned: [0, 1], keys: 3, width: width
    ).text
    var text = means + "\n\n" + Self.note + "\n"
    let compared = rows.filter { row in row.cells.contains { $0?.difference != nil } }
    if let baseline = rows.first?.title, !compared.isEmpty {
      let table = AlignedColumns(
        [titles]
          + compared.map { row in
            keys(row) + row.cells.map { Self.words($0?.difference, sign: true) }
          },
        leftAligned: [0, 1], keys: 3, width: width
      ).text
      text += "\nDifferences to \(baseline), on the same prompts and seeds:\n\n" + table + "\n"
    }
    return text
  }

  private var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ")
        + " |\n"
    }
    let rule = "| --- | --- | ---: |" + String(repeating: " ---: |", count: scores.count) + "\n"
    return line(titles) + rule
      + rows.map { row in line(keys(row) + row.cells.map { Self.words($0?.mean) }) }.joined()
      + "\n" + Self.note + "\n"
  }

  private var latex: String {
    func escaped(_ text: String) -> String {
      let commands: [Character: String] = [
        "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
      ]
      return text.reduce(into: "") { result, character in
        result +=
          commands[character]
          ?? ("&%$#_{}".contains(character) ? "\\\(character)" : String(character))
      }
    }
    func number(_ interval: BootstrapInterval?) -> String {
      guard let interval, !interval.estimate.isNaN else { return Self.missing }
      let estimate = String(format: "$%.3f$", interval.estimate)
      guard !interval.lower.isNaN else { return estimate }
      return estimate
        + String(format: " {\\scriptsize$[%.3f, %.3f]$}", interval.lower, interval.upper)
    }
    func line(_ cells: [String]) -> String { "  " + cells.joined(separator: " & ") + " \\\\\n" }
    var text =
      "% needs \\usepackage{booktabs}\n% \(Self.note.replacingOccurrences(of: "%", with: "\\%"))\n"
    text += "\\begin{tabular}{llr\(String(repeating: "l", count: scores.count))}\n  \\toprule\n"
    text += line(titles.map(escaped)) + "  \\midrule\n"
    for (index, row) in rows.enumerated() {
      if index > 0, rows[index - 1].subset != row.subset { text += "  \\midrule\n" }
      text += line(keys(row).map(escaped) + row.cells.map { number($0?.mean) })
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
        let name = "\(kind.scorer)_\(kind.name)\(suffix)"
        return [
          (name: name, value: interval?.estimate ?? .nan),
          (name: name + "_low", value: interval?.lower ?? .nan),
          (name: name + "_high", value: interval?.upper ?? .nan),
        ] + (suffix.isEmpty ? [(name: name + "_n", value: Double(cell?.mean.count ?? 0))] : [])
      }
    }
  }

  private var csv: String {
    func quoted(_ text: String) -> String {
      text.contains { ",\"\n\r".contains($0) }
        ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
    }
    func number(_ value: Double) -> String {
      value.isNaN ? "" : value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
    }
    let names = rows.first.map { numbers($0).map(\.name) } ?? []
    let lines =
      [["subset", "method", "pictures", "prompts"] + names]
      + rows.map { row in
        [row.subset ?? Self.whole, row.method, "\(row.pictures)", "\(row.prompts)"]
          + numbers(row).map { number($0.value) }
      }
    return lines.map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
  }

  private var json: String {
    let rows = rows.map { row -> [String: Any] in
      var object: [String: Any] = [
        "subset": row.subset ?? NSNull(), "method": row.method, "pictures": row.pictures,
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
