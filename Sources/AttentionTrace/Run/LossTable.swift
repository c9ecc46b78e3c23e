/// A run's losses and largest attentions as a table, a row for each call that has them.
public struct LossTable: Sendable {
  /// The calls with a measurement, in order.
  public let calls: [CallRecord]
  /// A column for each.
  public let subjects: [Subject]

  /// Takes from `calls` those that were measured.
  public init(calls: [CallRecord], subjects: [Subject]) {
    self.calls = calls.filter { $0.measurement != nil }
    self.subjects = subjects
  }

  /// The table as RFC 4180 has it.
  ///
  /// Fields with commas, quotes or line ends are quoted, and lines end in CR LF. Numbers have the
  /// fewest digits that read back to the same value.
  public var csv: String {
    let names = ["call", "step", "timestep", "phase", "attempt", "branch", "loss"]
    var lines = [names + subjects.map(\.name)]
    for call in calls {
      guard let measurement = call.measurement else { continue }
      lines.append(
        [
          "\(call.call)", "\(call.step)", number(call.timestep), call.phase.rawValue,
          "\(call.attempt)", call.branch.rawValue, number(measurement.loss),
        ]
          + subjects.indices.map {
            $0 < measurement.maxima.count ? number(measurement.maxima[$0]) : ""
          })
    }
    return lines.map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
  }

  private func number<Value: BinaryFloatingPoint & CustomStringConvertible>(
    _ value: Value
  ) -> String {
    if value.isNaN { return "NaN" }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private func quoted(_ field: String) -> String {
    let special = field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
    guard special else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}
