package import AttentionAnalysis

extension ScoreTable {
  /// The table of what one varied knob at a time does to `scores`, over the whole suite: a row for each value,
  /// compared with the method with nothing varied on the same prompts and seeds.
  /// - Parameter hasPaper: whether the paper's scores have a column also where no picture has them.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` when a picture has a score twice, with
  ///   different values.
  package init(
    _ scores: [PictureScore], of ablations: Ablations, _ suite: Suite, path: String,
    hasPaper: Bool = true, bootstrap: Bootstrap = Bootstrap(resamples: 2000)
  ) throws {
    let samples = try ScoreSamples(scores, path: path)
    let kinds = Self.kinds(of: samples, hasPaper: hasPaper)
    let ids = suite.prompts.map(\.id)
    let rows = ablations.knobs.flatMap { knob in
      let usual = knob.values.first(where: \.isUsual)?.method
      return knob.values.compactMap { value in
        Row(
          subset: knob.name, name: value.text,
          title: value.text + (value.isUsual ? " (usual)" : ""), isBaseline: value.isUsual, samples,
          kinds,
          method: value.method, comparedWith: value.isUsual ? nil : usual, ids, bootstrap)
      }
    }
    self.init(
      scores: kinds, rows: rows, keys: (subset: "knob", method: "value"),
      baseline: "\(ablations.method) with nothing varied")
  }
}
