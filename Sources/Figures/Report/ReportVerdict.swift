import AttentionAnalysis
import AttentionTrace
internal import Drawing
import PromptText

/// What became of one subject of one run, as a report shows it.
struct ReportVerdict {
  /// The run's place among all of the report.
  let run: Int
  let subject: Subject
  let verdict: NeglectVerdict
  /// The excitation score late in the run; NaN if it was not measured.
  let score: Double
  let reason: String
  /// How the score was made of the maps; `nil` where the run measured it, or there is none.
  let scoreRecipe: Recipe?

  /// The verdicts of a run; none where it was made without subjects.
  static func all(of recorded: RecordedRun, at place: Int) throws -> [ReportVerdict] {
    guard !recorded.manifest.subjects.isEmpty else { return [] }
    let report = try NeglectReport(recorded)
    return report.subjects.map { subject in
      ReportVerdict(
        run: place, subject: subject.subject, verdict: subject.verdict,
        score: Double(subject.score), reason: subject.reason, scoreRecipe: report.scoreRecipe)
    }
  }

  /// A shape for each verdict, so that it can be told without reading.
  var shape: String {
    switch verdict {
    case .neglected, .lost: "×"
    case .weak: "△"
    case .unmeasured: "?"
    default: "●"
    }
  }

  /// The most neglected first; what was not measured last.
  static func ranked(_ verdicts: [ReportVerdict]) -> [ReportVerdict] {
    func key(_ verdict: ReportVerdict) -> Double {
      verdict.score.isNaN ? .infinity : verdict.score
    }
    return verdicts.enumerated().sorted {
      (key($0.element), $0.offset) < (key($1.element), $1.offset)
    }.map(\.element)
  }
}
