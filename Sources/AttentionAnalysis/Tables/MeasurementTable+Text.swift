private import Foundation

extension MeasurementTable {
  /// The table in a format, with the end of its last line.
  /// - Parameter width: the longest that a line of text for reading should be.
  package func text(_ format: ReportFormat, width: Int = .max) -> String {
    switch format {
    case .csv: csv
    case .json: json + "\n"
    case .text: plain(width: width) + "\n"
    case .markdown: printed.markdown
    case .latex: PrintedTable.latexNeeds + printed.latex
    }
  }

  /// Aligned columns without the end of the last line; see ``printed``.
  func plain(width: Int) -> String { printed.plain(width: width) }

  /// The table for reading, without keys that are the same everywhere and tell the runs apart.
  var printed: PrintedTable {
    let constant = keys.indices.filter { index in
      ["prompt", "method"].contains(keys[index]) && Set(rows.map { $0.keys[index] }).count < 2
    }
    let shown = keys.indices.filter { !constant.contains($0) }
    let columns = Self.columns(values)
    return PrintedTable(
      titles: shown.map { keys[$0] } + columns.map(\.title),
      rows: rows.map { row in
        shown.map { .words(row.keys[$0].title) } + columns.map { $0.cell(row.values) }
      }, keys: shown.count,
      leftAligned: Set(shown.enumerated().filter { isText($0.element) }.map(\.offset)))
  }

  /// A number, or one with the ends of its interval.
  private struct Column {
    let title: String
    let places: Range<Int>

    func cell(_ values: [Double]) -> PrintedTable.Cell {
      let numbers = values[places].map(MeasurementTable.short)
      return .number(numbers[0], ends: Set(numbers).count == 1 ? [] : Array(numbers.dropFirst()))
    }
  }

  /// The columns of `names`, intervals in one.
  private static func columns(_ names: [String]) -> [Column] {
    var columns: [Column] = []
    var place = 0
    while place < names.count {
      let hasEnds =
        names.dropFirst(place + 1).prefix(2) == [names[place] + "_low", names[place] + "_high"]
      columns.append(Column(title: names[place], places: place..<place + (hasEnds ? 3 : 1)))
      place += hasEnds ? 3 : 1
    }
    return columns
  }

  private func isText(_ key: Int) -> Bool {
    rows.contains {
      switch $0.keys[key] {
      case .text(let text): UInt64(text) == nil
      case .integer: false
      case .method: true
      }
    }
  }

  private static func short(_ value: Double) -> String {
    if value.isNaN { return "-" }
    if value == value.rounded(), abs(value) < 1e6 { return String(Int(value)) }
    return abs(value) >= 1000 || abs(value) < 0.001
      ? String(format: "%.3e", value) : String(format: "%.4f", value)
  }

  /// An object with the recipe and the rows, each an object by column.
  ///
  /// A number that is not defined is null. Where rows have several recipes, each says its own.
  private var json: String {
    let recipes = recipes
    let rows = rows.map { row -> [String: Any] in
      var object: [String: Any] = [:]
      for (name, key) in zip(keys, row.keys) {
        switch key {
        case .text(let text): object[name] = text
        case .integer(let value): object[name] = value
        case .method(let identifier, _): object[name] = identifier
        }
      }
      for (name, value) in zip(values, row.values) {
        object[name] = value.isFinite ? value : NSNull()
      }
      if recipes.count > 1 { object["recipe"] = row.recipe ?? recipe }
      return object
    }
    let document: [String: Any] = ["recipe": recipes.joined(separator: "; "), "rows": rows]
    let data = try? JSONSerialization.data(
      withJSONObject: document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self)
  }
}
