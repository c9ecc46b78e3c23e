internal import AttentionTrace
internal import PromptText

extension NeglectReport {
  /// A row for each subject of each report, with its verdict and numbers.
  package static func table(of reports: [NeglectReport]) -> MeasurementTable {
    let rows = reports.flatMap { report in report.subjects.map { row($0, report) } }
    return MeasurementTable(
      recipe:
        "\(Recipe(layers: Recipe.lossGrid)) in the window; excitation score as the loss reads it"
        + madeRecipes(of: reports).map {
          ", or, where the run measured none, of the maps by \($0)"
        }.joined(),
      keys: ["prompt", "method", "seed", "subject", "verdict"],
      values: [
        "score", "best_score", "reached", "share", "peak_distance", "loss", "tries", "moved_steps",
        "moved",
      ], rows: rows)
  }

  /// The recipes by which scores are made of maps that no run measured, each once.
  package static func madeRecipes(of reports: [NeglectReport]) -> [String] {
    reports.compactMap(\.scoreRecipe).map(\.description).uniqued
  }

  private static func row(_ subject: SubjectNeglect, _ report: NeglectReport)
    -> MeasurementTable.Row
  {
    let reached = subject.thresholds.last?.reachedAt
    let best = subject.trajectory.map(\.score).max() ?? .nan
    let values: [Double] = [
      Double(subject.score), Double(best), reached.map { Double($0) } ?? .nan,
      subject.massShare ?? .nan, nearest(subject, report), Double(report.losses.last?.loss ?? .nan),
      Double(report.tries.values.reduce(0, +)), report.movedSteps.map { Double($0) } ?? .nan,
      report.moved.map { Double($0) } ?? .nan,
    ]
    return MeasurementTable.Row(
      keys: [
        .text(report.manifest.tokens.prompt), .init(report.manifest.method),
        .text(String(report.manifest.seed)), .text(subject.subject.name),
        .text(subject.verdict.rawValue),
      ], values: values)
  }

  /// The distance to the nearest other subject's peak, in cells.
  private static func nearest(_ subject: SubjectNeglect, _ report: NeglectReport) -> Double {
    report.peakDistances.filter { [$0.first, $0.second].contains(subject.subject.name) }
      .map(\.distance).min() ?? .nan
  }
}
