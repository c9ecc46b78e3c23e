private import Foundation

/// Formats a table's numbers for reading, and its rows as JSON.
package enum TableText {
  /// Steps of a run, as in `step 4` or `steps 0–9`.
  package static func steps(_ steps: ClosedRange<Int>, to: String = "–") -> String {
    steps.count == 1
      ? "step \(steps.lowerBound)" : "steps \(steps.lowerBound)\(to)\(steps.upperBound)"
  }

  /// Four digits after the point; `-` for no number.
  package static func number(_ value: Float?) -> String {
    value.map { String(format: "%.4f", $0) } ?? "-"
  }

  /// One digit after the point.
  package static func tenths(_ value: Float) -> String { String(format: "%.1f", value) }

  /// Rows as JSON, keys sorted; NaN and infinity are the strings `NaN`, `inf` and `-inf`.
  package static func json(_ rows: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "NaN")
    return (try? encoder.encode(rows)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
  }
}
