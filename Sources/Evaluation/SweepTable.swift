package import AttentionAnalysis
package import AttentionTrace
internal import PromptText

extension MeasurementTable {
  /// The outcomes of a sweep's runs, a row for each, with the value of the knob.
  ///
  /// - Parameter runs: at least one.
  /// - Throws: `AnalysisError` or `TraceError`.
  package init(outcomesOf runs: [RecordedRun], varying knob: String) throws {
    let measurement = RunMeasurement(by: Recipe(layers: Recipe.lossGrid))
    let outcomes = try runs.map { try measurement.outcome($0) }
    self.init(
      recipe: outcomes[0].recipe, keys: ["prompt", "method", knob, "seed"],
      values: outcomes[0].values)
    rows = zip(runs, outcomes).map { run, outcome in
      let manifest = run.manifest
      return Row(
        keys: [
          .text(manifest.tokens.prompt),
          .method(manifest.method.family, title: manifest.method.familyTitle),
          .text(manifest.value(ofKnob: knob) ?? ""), .text(String(manifest.seed)),
        ], values: outcome.rows[0].values)
    }
  }
}
