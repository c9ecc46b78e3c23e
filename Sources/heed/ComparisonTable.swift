import AttentionTrace
import Foundation
import PromptText

/// The numbers of runs side by side: a line for each seed, method and subject.
struct ComparisonTable {
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

  init(_ runs: [RecordedRun]) {
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

  func text(json: Bool) -> String {
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

/// A table's numbers for people, and its rows for programs.
enum TableText {
  static func number(_ value: Float?) -> String {
    value.map { String(format: "%.4f", $0) } ?? "-"
  }

  static func json(_ rows: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "NaN")
    return (try? encoder.encode(rows)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
  }
}

/// Rows of cells under each other.
struct AlignedColumns {
  let text: String

  init(_ rows: [[String]], leftAligned: Set<Int>) {
    let widths = rows.reduce(into: [Int](repeating: 0, count: rows.first?.count ?? 0)) {
      for (index, cell) in $1.enumerated() { $0[index] = max($0[index], cell.count) }
    }
    text = rows.map { row in
      let cells = row.enumerated().map { index, cell in
        let space = String(repeating: " ", count: widths[index] - cell.count)
        return leftAligned.contains(index) ? cell + space : space + cell
      }
      var line = cells.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
