internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

/// A table beside the arrays.
struct ExportTable: Sendable {
  let name: String
  let title: String
  let columns: [TableColumn]
  let rows: [[String]]

  var path: String { "tables/\(name).csv" }
  var csv: String { CSV.line(columns.map(\.name)) + rows.map(CSV.line).joined() }
}

extension ExportTable {
  /// The tables of an export.
  /// - Parameter exported: The calls along the arrays' axis of calls, by run; `nil` without one.
  static func all(
    _ runs: AlignedRuns, _ tables: BranchTables, exported: [[CallRecord]]?
  ) -> [ExportTable] {
    [ofRuns(runs), ofCalls(runs, exported), ofScores(runs), ofTokens(tables)]
  }

  private static let run = TableColumn("run", .integer, "place of the run in this export")
  private static let pass = [
    TableColumn("call", .integer, "number of the call in its run, from 0"),
    TableColumn("step", .integer, "iteration of the scheduler, from 0"),
    TableColumn("timestep", .number, "diffusion time of the scheduler in the step"),
    TableColumn("branch", .string, "half of classifier-free guidance"),
    TableColumn("phase", .string, "what the pass was for"),
    TableColumn("attempt", .integer, "try of iterative refinement, from 1; 0 outside"),
  ]

  private static func fields(_ run: Int, _ call: CallRecord) -> [String] {
    [
      "\(run)", "\(call.call)", "\(call.step)", CSV.number(call.timestep), call.branch.rawValue,
      call.phase.rawValue, "\(call.attempt)",
    ]
  }

  private static func ofRuns(_ runs: AlignedRuns) -> ExportTable {
    ExportTable(
      name: "runs", title: "The runs",
      columns: [
        run, TableColumn("seed", .integer, "seed of the noise"),
        TableColumn("method_name", .string, "stable-diffusion, attend-and-excite, …"),
        TableColumn("prompt", .string, "the text as the user wrote it"),
        TableColumn("model", .string, "the checkpoint's name"),
        TableColumn("status", .string, "complete, or running if it is not complete"),
        TableColumn("calls", .integer, "acknowledged calls"),
      ],
      rows: runs.runs.enumerated().map { index, run in
        let manifest = run.manifest
        return [
          "\(index)", "\(manifest.seed)", manifest.method.name, manifest.tokens.prompt,
          manifest.model.name, manifest.status.rawValue, "\(run.calls.count)",
        ]
      })
  }

  private static func ofCalls(_ runs: AlignedRuns, _ exported: [[CallRecord]]?) -> ExportTable {
    ExportTable(
      name: "calls", title: "Every acknowledged call: one pass through the denoiser for one branch",
      columns: [run] + pass + [
        TableColumn("loss", .number, "the objective's loss of the pass; empty if it has none"),
        TableColumn(
          "position", .integer,
          "place along the arrays' axis of calls; empty for calls that are not exported"),
      ],
      rows: runs.runs.enumerated().flatMap { index, run in
        let own = exported?[index] ?? []
        let positions = Dictionary(uniqueKeysWithValues: zip(own.map(\.call), own.indices))
        return run.calls.map { call in
          fields(index, call) + [
            call.measurement.map { CSV.number($0.loss) } ?? "",
            positions[call.call].map(String.init) ?? "",
          ]
        }
      })
  }

  private static func ofScores(_ runs: AlignedRuns) -> ExportTable {
    ExportTable(
      name: "scores",
      title: "Excitation score of each subject in each call that was measured"
        + (runs.areMeasured ? "" : "; none was"),
      columns: [run] + pass + [
        TableColumn("subject", .string, "the word, as the user named it"),
        TableColumn(
          "score", .number,
          "excitation score: largest value of its smoothed map, renormalised as the loss does, 0…1"),
      ],
      rows: runs.runs.enumerated().flatMap { index, run in
        run.calls.flatMap { call in
          zip(run.manifest.subjects, call.measurement?.scores ?? []).map { subject, score in
            fields(index, call) + [subject.name, CSV.number(score)]
          }
        }
      })
  }

  private static func ofTokens(_ tables: BranchTables) -> ExportTable {
    ExportTable(
      name: "tokens",
      title: "The text of each exported branch as the model reads it, padding included",
      columns: [
        TableColumn(
          "branch", .string,
          "half of classifier-free guidance: conditional for the prompt, unconditional for the "
            + "negative prompt"),
        TableColumn("token", .integer, "place in the text's window; the arrays' axis of tokens"),
        TableColumn("id", .integer, "id in the vocabulary"),
        TableColumn("piece", .string, "the vocabulary's spelling of the token"),
        TableColumn(
          "word", .string,
          "word that the token belongs to; <start>, <end>, <padding> or <template> for others"),
        TableColumn("occurrence", .integer, "1 for the first such word of the text"),
        TableColumn("special", .string, "start, end, padding or template; empty for text"),
        TableColumn("begin", .integer, "first byte in the text's UTF-8"),
        TableColumn("end", .integer, "byte after the last"),
      ],
      rows: tables.entries.flatMap { entry in
        entry.table.tokens.map { token in
          let word = entry.table.word(of: token.index)
          return [
            entry.branch.rawValue, "\(token.index)", "\(token.id)", token.piece,
            entry.table.label(of: token.index), word.map { "\($0.occurrence)" } ?? "",
            token.special?.rawValue ?? "", token.range.map { "\($0.lowerBound)" } ?? "",
            token.range.map { "\($0.upperBound)" } ?? "",
          ]
        }
      })
  }
}
