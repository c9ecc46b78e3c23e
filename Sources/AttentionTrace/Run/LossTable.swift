public import PromptText

/// A run's losses and excitation scores as a table, a row for each call that has them.
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

  /// The table as RFC 4180 has it; numbers have the fewest digits that read back to the same value.
  public var csv: String {
    let names = ["call", "step", "timestep", "phase", "attempt", "branch", "loss"]
    var lines = [names + subjects.map(\.name)]
    for call in calls {
      guard let measurement = call.measurement else { continue }
      lines.append(
        [
          "\(call.call)", "\(call.step)", CSV.number(call.timestep), call.phase.rawValue,
          "\(call.attempt)", call.branch.rawValue, CSV.number(measurement.loss),
        ]
          + subjects.indices.map {
            $0 < measurement.scores.count ? CSV.number(measurement.scores[$0]) : ""
          })
    }
    return lines.map(CSV.line).joined()
  }
}
