package import AttentionTrace
private import Foundation
internal import PromptText

/// The numbers of explanations: a line for each seed, time and subject.
package struct ExplanationTable {
  private struct Row: Encodable {
    let seed: UInt64
    let timestep: Double
    let subject: String
    /// The excitation score.
    let score: Float
    /// The loss at that time, the same for all subjects.
    let loss: Float
  }

  private let rows: [Row]

  /// - Parameter runs: Explanations; each has a line for each time and subject.
  package init(_ runs: [RecordedRun]) {
    rows = runs.flatMap { run in
      run.noisePredictions.flatMap { call -> [Row] in
        guard let measurement = call.measurement else { return [] }
        return zip(run.manifest.subjects, measurement.scores).map { subject, score in
          Row(
            seed: run.manifest.seed, timestep: call.timestep, subject: subject.name,
            score: score, loss: measurement.loss)
        }
      }
    }
  }

  /// Aligned columns, or an array of objects.
  package func text(json: Bool) -> String {
    if json { return TableText.json(rows) }
    let cells = rows.map { row in
      [
        String(row.seed), String(format: "%g", row.timestep), row.subject,
        TableText.number(row.score), TableText.number(row.loss),
      ]
    }
    return AlignedColumns(
      [["seed", "timestep", "subject", "score", "loss"]] + cells, leftAligned: [2]
    ).text
  }
}
