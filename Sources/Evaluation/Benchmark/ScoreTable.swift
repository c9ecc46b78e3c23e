package import AttentionAnalysis

/// Scores of a benchmark by method and subset: means with 95 % intervals, and how far methods are apart
/// on the same prompts and seeds.
package struct ScoreTable: Sendable {
  /// A mean, of the pictures that have the score.
  package struct Cell: Hashable, Sendable {
    /// The mean and its interval, clustered by prompt.
    package let mean: BootstrapInterval
    /// The mean of the differences to the first method's pictures of the same prompts and seeds; `nil` for
    /// the first method, and for photos, which have no seeds.
    package let difference: BootstrapInterval?
  }

  /// A method on a subset of the suite; in a table of ablations, a value of a knob.
  package struct Row: Sendable {
    /// The subset, `nil` for the whole suite; or the knob.
    package let subset: String?
    /// The method's name, and that for people; or the value, and how it is written.
    package let method, title: String
    /// Whether it is what the others are compared with.
    package let isBaseline: Bool
    /// How many pictures of how many prompts have a score.
    package let pictures, prompts: Int
    /// By score; `nil` where no picture has it.
    package let cells: [Cell?]
  }

  /// The scores, in the order of columns.
  package let scores: [ScoreKind]
  /// Rows by subset, then by method, the whole suite last.
  package let rows: [Row]

  /// What `subset` and `method` of a row are called.
  let keys: (subset: String, method: String)
  /// The name for people of what rows are compared with.
  let baseline: String
  /// What a reader must know of the numbers, in sentences.
  let note: String

  /// - Parameter note: `nil` for what follows from the scores.
  init(
    scores: [ScoreKind], rows: [Row], keys: (subset: String, method: String), baseline: String,
    note: String? = nil
  ) {
    (self.scores, self.rows, self.keys, self.baseline) = (scores, rows, keys, baseline)
    self.note = note ?? Self.note(of: rows, scores)
  }

  private static func note(of rows: [Row], _ scores: [ScoreKind]) -> String {
    let means = "Means with 95 % bootstrap intervals over prompts and seeds, clustered by prompt."
    let source = scores.firstIndex { $0.scorer == "blip-vqa" && $0.name == "own-phrases" }
    let shares = source.map { source in rows.compactMap { $0.cells[source]?.mean.estimate } } ?? []
    guard let most = shares.max(), most > 0 else { return means }
    let whose = (shares.min() ?? 0) < 1 ? "where the suite names none, " : ""
    return means + " BLIP-VQA asks about noun phrases; \(whose)Heed found them."
  }

  /// The table of `scores` by the suite's subsets and the record's methods, photos after them.
  /// - Parameter hasPaper: whether the paper's scores have a column also where no picture has them.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` when a picture has a score twice, with
  ///   different values.
  package init(
    _ scores: [PictureScore], of suite: Suite, record: BenchmarkRecord, path: String,
    hasPaper: Bool = true, bootstrap: Bootstrap = Bootstrap(resamples: 2000)
  ) throws {
    let samples = try ScoreSamples(scores, path: path)
    let kinds = Self.kinds(of: samples, hasPaper: hasPaper)
    let baseline = record.methods.first
    let methods =
      Array(zip(record.methods, record.titles)) + [(PhotoFolder.method, PhotoFolder.title)]
    let rows = Self.subsets(of: suite).flatMap { subset, ids in
      methods.compactMap { method, title in
        Row(
          subset: subset, name: method, title: title, isBaseline: method == baseline, samples,
          kinds,
          method: method,
          comparedWith: [baseline, PhotoFolder.method].contains(method) ? nil : baseline, ids,
          bootstrap)
      }
    }
    self.init(
      scores: kinds, rows: rows, keys: (subset: "subset", method: "method"),
      baseline: record.titles.first ?? "")
  }

  /// The scores that are there and, if it is to, those of the paper, in the order of columns.
  static func kinds(of samples: ScoreSamples, hasPaper: Bool) -> [ScoreKind] {
    hasPaper ? Set(samples.scored).union(ScoreKind.ofThePaper).sorted() : samples.scored
  }

  /// The subsets with their prompts' ids in the order of the suite, and the whole where there are several.
  private static func subsets(of suite: Suite) -> [(name: String?, ids: [String])] {
    let parts = suite.subsets.map { name in
      (name: Optional(name), ids: suite.prompts.filter { $0.subset == name }.map(\.id))
    }
    return parts + [(name: nil, ids: suite.prompts.map(\.id))]
  }
}

extension ScoreTable.Row {
  /// The means of a method's pictures; `nil` if none has a score.
  /// - Parameters:
  ///   - baseline: the method whose pictures its own are compared with; `nil` for none.
  ///   - ids: the prompts.
  init?(
    subset: String?, name: String, title: String, isBaseline: Bool, _ samples: ScoreSamples,
    _ kinds: [ScoreKind], method: String, comparedWith baseline: String?, _ ids: [String],
    _ bootstrap: Bootstrap
  ) {
    let counts = samples.counts(method, ids)
    guard counts.pictures > 0 else { return nil }
    self.init(
      subset: subset, method: name, title: title, isBaseline: isBaseline,
      pictures: counts.pictures, prompts: counts.prompts,
      cells: kinds.map { kind in
        let own = samples.of(kind, method, ids)
        guard !own.isEmpty else { return nil }
        return ScoreTable.Cell(
          mean: bootstrap.interval(of: own),
          difference: baseline.map {
            bootstrap.pairedDifference(earlier: samples.of(kind, $0, ids), later: own)
          })
      })
  }
}
