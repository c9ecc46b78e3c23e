package import AttentionTrace
private import Foundation
internal import PromptText

/// The numbers of runs side by side: a line for each seed, method and subject.
package struct ComparisonTable {
  private struct Row: Encodable {
    /// `nil` where all runs are of one prompt.
    let prompt: String?
    let seed: UInt64
    let method: String
    /// What people call the method.
    let title: String
    let subject: String
    /// Excitation score in the noise prediction of the first step and of the last that the methods may
    /// alter.
    let firstScore: Float?
    let lastScore: Float?
    let loss: Float?
    let tries: Int
    let seconds: Double?

    private enum CodingKeys: CodingKey {
      case seed, method, subject, firstScore, lastScore, loss, tries, seconds
    }
  }

  private let rows: [Row]

  /// - Parameter runs: Those that are compared; each has a line for each of its subjects.
  package init(_ runs: [RecordedRun]) {
    // All runs are read at the steps that one of them alters, so that they compare; where none
    // alters any, at the last.
    let altered = runs.map(\.manifest.method.alteredSteps).max() ?? 0
    let isOfMany = Set(runs.map(\.manifest.tokens.prompt)).count > 1
    rows = runs.flatMap { run -> [Row] in
      let predictions = run.noisePredictions
      let tries = run.refinementTries.values.reduce(0, +)
      func scores(_ step: Int) -> [Float]? {
        predictions.first { $0.step == step }?.measurement?.scores
      }
      let steps = run.manifest.timesteps.count
      let last = (altered > 0 ? min(altered, steps) : steps) - 1
      return run.manifest.subjects.indices.map { index in
        Row(
          prompt: isOfMany ? run.manifest.tokens.prompt : nil, seed: run.manifest.seed,
          method: run.manifest.method.name,
          title: run.manifest.method.figureTitle,
          subject: run.manifest.subjects[index].name, firstScore: scores(0)?[index],
          lastScore: scores(last)?[index], loss: predictions.last?.measurement?.loss,
          tries: tries, seconds: run.manifest.seconds)
      }
    }
  }

  /// Aligned columns, or an array of objects.
  package func text(json: Bool) -> String {
    json ? TableText.json(rows) : plain
  }

  private var plain: String {
    let titles = [
      "seed", "method", "subject", "first score", "last score", "loss", "tries", "seconds",
    ]
    let cells = rows.map { row in
      [
        String(row.seed), row.title, row.subject, TableText.number(row.firstScore),
        TableText.number(row.lastScore), TableText.number(row.loss), String(row.tries),
        row.seconds.map { String(format: "%.1f", $0) } ?? "-",
      ]
    }
    guard let prompt = rows.first?.prompt else {
      return AlignedColumns([titles] + cells, leftAligned: [1, 2]).text
    }
    let prompts = [["prompt"]] + rows.map { [$0.prompt ?? prompt] }
    return AlignedColumns(
      zip(prompts, [titles] + cells).map { $0 + $1 }, leftAligned: [0, 2, 3]
    ).text
  }
}
