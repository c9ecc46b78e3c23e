package import AttentionTrace
private import Foundation
internal import PromptText

/// The numbers of runs side by side: a line for each seed, method and subject.
package struct ComparisonTable {
  private struct Row: Encodable {
    let seed: UInt64
    let method: String
    let subject: String
    /// Largest attention in the noise prediction of the first and of the last altered step.
    let first: Float?
    let last: Float?
    let loss: Float?
    let tries: Int
    let seconds: Double?
  }

  private let rows: [Row]

  /// - Parameter runs: Those that are compared; each has a line for each of its subjects.
  package init(_ runs: [RecordedRun]) {
    // All runs are read at the steps that one of them alters, so that they compare; where none
    // alters any, at the last.
    let altered = runs.map(\.manifest.method.alteredSteps).max() ?? 0
    rows = runs.flatMap { run -> [Row] in
      let predictions = run.noisePredictions
      let tries = run.refinementTries.values.reduce(0, +)
      func maxima(_ step: Int) -> [Float]? {
        predictions.first { $0.step == step }?.measurement?.maxima
      }
      let steps = run.manifest.timesteps.count
      let last = (altered > 0 ? min(altered, steps) : steps) - 1
      return run.manifest.subjects.indices.map { index in
        Row(
          seed: run.manifest.seed, method: run.manifest.method.name,
          subject: run.manifest.subjects[index].name, first: maxima(0)?[index],
          last: maxima(last)?[index], loss: predictions.last?.measurement?.loss,
          tries: tries, seconds: run.manifest.seconds)
      }
    }
  }

  /// Aligned columns, or an array of objects.
  package func text(json: Bool) -> String {
    json ? TableText.json(rows) : plain
  }

  private var plain: String {
    let titles = ["seed", "method", "subject", "first", "last", "loss", "tries", "seconds"]
    let cells = rows.map { row in
      [
        String(row.seed), row.method, row.subject, TableText.number(row.first),
        TableText.number(row.last), TableText.number(row.loss), String(row.tries),
        row.seconds.map { String(format: "%.1f", $0) } ?? "-",
      ]
    }
    return AlignedColumns([titles] + cells, leftAligned: [1, 2]).text
  }
}
