import AttentionAnalysis
import AttentionTrace
internal import Drawing
internal import PromptText

/// The runs that a report shows, by prompt, and those that it cannot show.
struct ReportChoice {
  let groups: [ReportGroup]
  /// What was left out and why, a line each.
  let leftOut: [String]

  /// Takes every run that has maps of its prompt's words, whatever else is among them.
  /// - Throws: `AnalysisError` where there is none, about the first.
  init(_ runs: [RecordedRun]) throws {
    guard !runs.isEmpty else {
      throw AnalysisError.nothingSelected(run: "no run", what: "runs", recorded: "nothing")
    }
    var (recordings, left): ([ReportRecording], [(path: String, error: AnalysisError)]) = ([], [])
    for run in runs {
      do {
        recordings.append(try ReportRecording(run))
      } catch let error as AnalysisError {
        left.append((run.folder.path, error))
      }
    }
    if recordings.isEmpty, let first = left.first { throw first.error }
    leftOut = left.sorted { $0.path < $1.path }.map { "left out: \($0.error)" }
    let kinds = Dictionary(grouping: recordings) { ReportGroup.Kind($0.run) }
    groups = kinds.values.map(ReportGroup.init).sorted { Self.order($0) < Self.order($1) }
  }

  private static func order(_ group: ReportGroup) -> (String, String, String, String) {
    (
      group.prompt, group.facts, group.manifest.subjects.map(\.name).joined(separator: "\n"),
      group.manifest.date
    )
  }
}
