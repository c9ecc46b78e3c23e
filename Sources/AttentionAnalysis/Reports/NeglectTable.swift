internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// The neglect report of runs: a table and verdicts for people, everything for programs.
package struct NeglectTable {
  let reports: [NeglectReport]
  let comparison: NeglectComparison

  /// Runs by their weakest subject, the most neglected first.
  package init(_ reports: [NeglectReport], _ comparison: NeglectComparison) {
    self.reports = NeglectReport.ranked(reports)
    self.comparison = comparison
  }

  /// The report in a format, with the end of its last line.
  /// - Parameter width: the longest that a line of a table for reading should be.
  package func text(_ format: ReportFormat, width: Int = .max) -> String {
    switch format {
    case .text: plain(width: width) + "\n"
    case .csv, .markdown, .latex: table.text(format)
    case .json: TableText.json(document) + "\n"
    }
  }

  // MARK: - For people

  private func plain(width: Int) -> String {
    var parts = [table.plain(width: width), verdicts]
    if !comparison.changes.isEmpty { parts.append(changes(width: width)) }
    return parts.joined(separator: "\n\n")
  }

  private var table: MeasurementTable { NeglectReport.table(of: reports) }

  /// The reasons of the subjects without a high score, what is wrong with runs, how scores were made that
  /// no run measured, and how many scores are high.
  private var verdicts: String {
    let subjects = reports.flatMap(\.subjects)
    let high = subjects.count { $0.verdict == .high }
    let lines = reports.flatMap { report -> [String] in
      let reasons = report.subjects.filter { $0.verdict != .high }.map(\.reason)
      let exhausted = report.exhaustedSteps.map { step in
        "refinement did not reach its threshold at step \(step) in \(report.tries[step] ?? 0) tries; "
          + "the latent may be out of distribution"
      }
      let still = report.movedSteps == 0 ? ["no step moved the latent"] : []
      let unmeasured = report.obstacle.map { ["no score can be made of the maps: \($0)"] } ?? []
      let lacking =
        report.lacksTokens
        ? [
          "its maps lack tokens that the loss reads, so its scores are over the words alone, and higher "
            + "than those of a run that has all tokens"
        ] : []
      return (reasons + unmeasured + lacking + exhausted + still).map {
        Self.line(report.manifest, $0)
      }
    }
    let excesses = LatentExcess.found(in: reports).map {
      Self.line($0.report.manifest, $0.excess.words)
    }
    let made = NeglectReport.madeRecipes(of: reports).map {
      "excitation scores that the run did not measure are made of its maps by \($0)"
    }
    return
      (lines + excesses + made + [
        "\(high) of \(subjects.count) subjects have a high excitation score"
      ])
      .joined(separator: "\n")
  }

  private static func line(_ run: RunManifest, _ text: String) -> String {
    PlainText.line("\(run.method.figureTitle), seed \(run.seed): \(text)")
  }

  private func changes(width: Int) -> String {
    let titles = [
      "prompt", "method", "subject", "seeds", "score without", "score with", "change",
      "95 % interval", "neglected",
    ]
    let cells = comparison.changes.map { change in
      [
        change.prompt, change.title, change.subject ?? "the weaker", String(change.seeds.count),
        TableText.number(Float(change.plain)), TableText.number(Float(change.excited)),
        TableText.number(Float(change.difference.estimate)), Self.interval(change.difference),
        "\(change.plainNeglected) → \(change.excitedNeglected)",
      ]
    }
    return "Excitation score without and with each method, over seeds (percentile bootstrap of the "
      + "mean, 10,000 draws):\n"
      + AlignedColumns([titles] + cells, leftAligned: [0, 1, 2], keys: 3, width: width).text
  }

  private static func interval(_ interval: BootstrapInterval) -> String {
    interval.lower.isNaN
      ? "-"
      : "\(TableText.number(Float(interval.lower))) … \(TableText.number(Float(interval.upper)))"
  }

  // MARK: - For programs

  private struct Document: Encodable {
    let runs: [Run]
    let changes: [Change]
  }

  private struct Run: Encodable {
    let run: String
    let prompt: String
    let method: String
    let seed: UInt64
    let window: [Int]
    let scoreRecipe: String?
    let unmeasured: String?
    let subjects: [Subject]
    let losses: [Loss]
    let tries: [Tries]
    let exhaustedSteps: [Int]
    let movements: [NeglectReport.Movement]
    let movedSteps: Int?
    let moved: Float?
    let latentExcess: LatentExcess?
    let peakDistances: [Distance]
  }

  private struct Subject: Encodable {
    let name: String
    let tokens: [Int]
    let verdict: NeglectVerdict
    let reason: String
    let score: Float?
    let trajectory: [SubjectNeglect.Point]
    let thresholds: [SubjectNeglect.Threshold]
    let share: Double?
    let peak: Float?
    let peakCell: [Int]?
  }

  private struct Loss: Encodable {
    let step: Int
    let loss: Float
  }

  private struct Tries: Encodable {
    let step: Int
    let tries: Int
  }

  private struct Distance: Encodable {
    let first: String
    let second: String
    let cells: Double
  }

  private struct Change: Encodable {
    let prompt: String
    let method: String
    let subject: String?
    let seeds: [UInt64]
    let plain: Double?
    let excited: Double?
    let change: Double?
    let low: Double?
    let high: Double?
    let plainNeglected: Int
    let excitedNeglected: Int
  }

  private var document: Document {
    let excesses = Dictionary(
      LatentExcess.found(in: reports).map { ($0.report.path, $0.excess) },
      uniquingKeysWith: { $1 })
    return Document(
      runs: reports.map { report in
        Run(
          run: report.path, prompt: report.manifest.tokens.prompt,
          method: report.manifest.method.name, seed: report.manifest.seed,
          window: [report.window.lowerBound, report.window.upperBound],
          scoreRecipe: report.scoreRecipe?.description, unmeasured: report.obstacle,
          subjects: report.subjects.map(Self.subject),
          losses: report.losses.map { Loss(step: $0.step, loss: $0.loss) },
          tries: report.tries.sorted { $0.key < $1.key }.map { Tries(step: $0, tries: $1) },
          exhaustedSteps: report.exhaustedSteps, movements: report.movements,
          movedSteps: report.movedSteps, moved: report.moved,
          latentExcess: excesses[report.path],
          peakDistances: report.peakDistances.filter { $0.distance.isFinite }.map {
            Distance(first: $0.first, second: $0.second, cells: $0.distance)
          })
      },
      changes: comparison.changes.map { change in
        Change(
          prompt: change.prompt, method: change.method, subject: change.subject,
          seeds: change.seeds, plain: change.plain.finite, excited: change.excited.finite,
          change: change.difference.estimate.finite, low: change.difference.lower.finite,
          high: change.difference.upper.finite, plainNeglected: change.plainNeglected,
          excitedNeglected: change.excitedNeglected)
      })
  }

  private static func subject(_ subject: SubjectNeglect) -> Subject {
    Subject(
      name: subject.subject.name, tokens: subject.subject.tokens, verdict: subject.verdict,
      reason: subject.reason, score: subject.score.isNaN ? nil : subject.score,
      trajectory: subject.trajectory, thresholds: subject.thresholds,
      share: subject.massShare,
      peak: (subject.peak?.value).flatMap { $0.isFinite ? $0 : nil },
      peakCell: subject.peak.map { [$0.row, $0.column] })
  }
}

extension Double {
  /// `nil` instead of NaN and infinity, which JSON does not have.
  fileprivate var finite: Double? { isFinite ? self : nil }
}
