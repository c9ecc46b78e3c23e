internal import AttentionAnalysis
package import AttentionTrace
package import Drawing
internal import PromptText

/// What runs came to at each value of a knob: the subjects' late excitation scores, and how many subjects
/// were neglected, over the seeds.
package struct OutcomeSheet: Sendable {
  /// A line of a chart.
  package struct Series: Sendable {
    /// The subject; empty for all of them.
    let name: String
    /// `[value][seed]` what was measured; NaN where nothing was.
    package let samples: [[Double]]

    package init(name: String, samples: [[Double]]) { (self.name, self.samples) = (name, samples) }
  }

  let prompt: String
  /// The knob that is varied.
  let knob: String
  /// Its values, in order.
  package let values: [String]
  /// `[subject]` the late excitation scores, from 0 to 1.
  package let scores: [Series]
  /// The share of subjects that were neglected, from 0 to 1.
  package let neglected: Series
  /// The steps that scores are averaged over.
  let window: ClosedRange<Int>
  /// Below which score a subject counts as neglected.
  let threshold: Double
  /// How scores were made that no run measured, and which runs' latents are out of range, a sentence each.
  let warnings: [String]
  let metadata: Scene.Metadata

  package init(
    prompt: String, knob: String, values: [String], scores: [Series], neglected: Series,
    window: ClosedRange<Int>, threshold: Double, warnings: [String] = [],
    metadata: Scene.Metadata
  ) {
    (self.prompt, self.knob, self.values) = (prompt, knob, values)
    (self.scores, self.neglected) = (scores, neglected)
    (self.window, self.threshold, self.warnings) = (window, threshold, warnings)
    self.metadata = metadata
  }

  /// A sheet of recorded runs that differ in a knob and in their seeds.
  /// - Parameters:
  ///   - runs: of one prompt, in any order.
  ///   - knob: the knob, as in `scale-factor`.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when the runs cannot be compared, `TraceError`, and ``FigureError`` for no run
  ///   and no knob.
  package init(runs: [RecordedRun], knob: String, software: String) throws {
    guard let first = runs.first else { throw FigureError.inconsistentSheet("no run to show") }
    guard !knob.isEmpty else {
      throw FigureError.inconsistentSheet(
        "outcomes need the name of a knob, as in scale-factor")
    }
    for run in runs.dropFirst() { try first.requireComparable(with: run, knob: knob) }
    var criteria = NeglectCriteria()
    // The same steps of every run, whatever its method alters.
    let window = criteria.plainWindow(iterations: first.manifest.timesteps.count)
    criteria.window = window
    let values = Set(runs.map { Self.value($0, knob) })
      .sorted { (Double($0) ?? -.infinity, $0) < (Double($1) ?? -.infinity, $1) }
    let names = first.manifest.subjects.map(\.name)
    var scores = names.map { _ in values.map { _ in [Double]() } }
    var neglected = values.map { _ in [Double]() }
    var scoreRecipes: [Recipe] = []
    for run in runs where !run.manifest.subjects.isEmpty {
      guard let place = values.firstIndex(of: Self.value(run, knob)) else { continue }
      let report = try NeglectReport(run, criteria: criteria)
      scoreRecipes += [report.scoreRecipe].compactMap(\.self)
      for (index, subject) in report.subjects.enumerated() where index < names.count {
        scores[index][place].append(Double(subject.score))
      }
      let measured = report.subjects.filter { !$0.score.isNaN }
      neglected[place].append(
        measured.isEmpty
          ? .nan
          : Double(measured.count { $0.score < criteria.neglectedBelow }) / Double(measured.count))
    }
    self.init(
      prompt: first.manifest.tokens.prompt, knob: knob, values: values,
      scores: zip(names, scores).map { Series(name: $0, samples: $1) },
      neglected: Series(name: "", samples: neglected), window: window,
      threshold: Double(criteria.neglectedBelow),
      warnings: ExcitationScores.notes(scoreRecipes) + Scene.warnings(of: runs),
      metadata: Scene.Metadata(
        of: first.manifest, software: software,
        manifest: [
          "layout": "outcome", "knob": .text(knob), "values": .texts(values),
          "seeds": .integers(Set(runs.map(\.manifest.seed)).sorted()),
        ]))
  }

  /// A run's value of the knob; that of a method without it says so.
  private static func value(_ run: RecordedRun, _ knob: String) -> String {
    run.manifest.value(ofKnob: knob) ?? "without"
  }

  /// Whether any run measured anything.
  var isMeasured: Bool {
    neglected.samples.contains { $0.contains { !$0.isNaN } }
  }

  /// How many runs were measured at each value, as in `8` or `7 to 8`.
  var counts: String {
    let counts = neglected.samples.map { $0.count { !$0.isNaN } }
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    return least == most ? "\(most)" : "\(least) to \(most)"
  }
}
