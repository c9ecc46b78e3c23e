import ArgumentParser
import AttentionAnalysis
import Foundation

/// How a report is printed.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, csv
}

extension MeasurementTable {
  /// The table in a format.
  func text(_ format: ReportFormat) -> String {
    switch format {
    case .csv: String(csv.dropLast(1))
    case .json: json
    case .text: plain
    }
  }

  /// Aligned columns, without keys that are the same everywhere and tell the runs apart.
  private var plain: String {
    let constant = keys.indices.filter { index in
      ["prompt", "method"].contains(keys[index]) && Set(rows.map { $0.keys[index] }).count < 2
    }
    let shown = keys.indices.filter { !constant.contains($0) }
    let left = Set(shown.enumerated().filter { isText($0.element) }.map(\.offset))
    let lines = rows.map { row in
      shown.map { row.keys[$0].description } + row.values.map(Self.short)
    }
    return AlignedColumns([shown.map { keys[$0] } + values] + lines, leftAligned: left).text
  }

  private func isText(_ key: Int) -> Bool {
    rows.contains { if case .text(let text) = $0.keys[key] { UInt64(text) == nil } else { false } }
  }

  private static func short(_ value: Double) -> String {
    if value.isNaN { return "-" }
    if value == value.rounded(), abs(value) < 1e6 { return String(Int(value)) }
    return abs(value) >= 1000 || abs(value) < 0.001
      ? String(format: "%.3e", value) : String(format: "%.4f", value)
  }

  /// An object with the recipe and the rows, each an object by column; a number that is not defined is
  /// null.
  private var json: String {
    let rows = rows.map { row -> [String: Any] in
      var object: [String: Any] = [:]
      for (name, key) in zip(keys, row.keys) {
        switch key {
        case .text(let text): object[name] = text
        case .integer(let value): object[name] = value
        }
      }
      for (name, value) in zip(values, row.values) {
        object[name] = value.isFinite ? value : NSNull()
      }
      return object
    }
    let document: [String: Any] = ["recipe": recipe, "rows": rows]
    let data = try? JSONSerialization.data(
      withJSONObject: document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self)
  }
}
