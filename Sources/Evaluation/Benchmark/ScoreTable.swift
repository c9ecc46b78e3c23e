package import AttentionAnalysis
private import Foundation

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

  /// A method on a subset of the suite.
  package struct Row: Sendable {
    /// The subset; `nil` for the whole suite.
    package let subset: String?
    /// The method's name, and that for people.
    package let method, title: String
    /// How many pictures of how many prompts have a score.
    package let pictures, prompts: Int
    /// By score; `nil` where no picture has it.
    package let cells: [Cell?]
  }

  /// The scores, in the order of columns.
  package let scores: [ScoreKind]
  /// Rows by subset, then by method, the whole suite last.
  package let rows: [Row]

  init(scores: [ScoreKind], rows: [Row]) { (self.scores, self.rows) = (scores, rows) }

  /// The table of `scores` by the suite's subsets and the record's methods, photos after them.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` when a picture has a score twice, with
  ///   different values.
  package init(
    _ scores: [PictureScore], of suite: Suite, record: BenchmarkRecord, path: String,
    bootstrap: Bootstrap = Bootstrap(resamples: 2000)
  ) throws {
    let samples = try Samples(scores, path: path)
    self.scores = samples.kinds
    let subsets = Self.subsets(of: suite)
    var rows: [Row] = []
    let methods =
      Array(zip(record.methods, record.titles)) + [(PhotoFolder.method, PhotoFolder.title)]
    let baseline = record.methods.first
    for (subset, ids) in subsets {
      for (method, title) in methods {
        let row = Row(
          subset: subset, method: method, title: title, pictures: samples.pictures(method, ids),
          prompts: samples.prompts(method, ids),
          cells: samples.kinds.map { kind -> Cell? in
            let own = samples.of(kind, method, ids)
            guard !own.isEmpty else { return nil }
            let isCompared = method != baseline && method != PhotoFolder.method
            return Cell(
              mean: bootstrap.interval(of: own),
              difference: baseline.flatMap { baseline in
                isCompared
                  ? bootstrap.pairedDifference(
                    earlier: samples.of(kind, baseline, ids), later: own) : nil
              })
          })
        if row.pictures > 0 { rows.append(row) }
      }
    }
    self.rows = rows
  }

  /// The subsets with their prompts' ids in the order of the suite, and the whole where there are several.
  private static func subsets(of suite: Suite) -> [(name: String?, ids: [String])] {
    var names: [String] = []
    for prompt in suite.prompts {
      if let subset = prompt.subset, !names.contains(subset) { names.append(subset) }
    }
    let parts = names.map { name in
      (name: Optional(name), ids: suite.prompts.filter { $0.subset == name }.map(\.id))
    }
    return parts + [(name: nil, ids: suite.prompts.map(\.id))]
  }

  /// Values by score, method, prompt and seed.
  private struct Samples {
    private var values: [ScoreKind: [String: [String: [UInt64: Double]]]] = [:]

    init(_ scores: [PictureScore], path: String) throws {
      for score in scores {
        for (name, value) in score.values {
          let kind = ScoreKind(scorer: score.scorer, name: name)
          let there = values[kind]?[score.method]?[score.id]?[score.seed]
          guard there == nil || there == value else {
            throw EvaluationError.benchmark(
              path: path,
              reason:
                "\(score.scorer) scored \(score.id)/\(score.method)/seed-\(score.seed) twice, and "
                + "differently: expected one model; remove one of the files")
          }
          values[kind, default: [:]][score.method, default: [:]][score.id, default: [:]][
            score.seed] = value
        }
      }
    }

    /// Those of the paper, whether there are any or not, and what else there is, in the order of columns.
    var kinds: [ScoreKind] { Set(values.keys).union(ScoreKind.ofThePaper).sorted() }

    private func all(_ method: String, _ ids: [String]) -> [String: Set<UInt64>] {
      var seeds: [String: Set<UInt64>] = [:]
      for id in ids {
        for kind in values.values {
          if let some = kind[method]?[id] { seeds[id, default: []].formUnion(some.keys) }
        }
      }
      return seeds
    }

    func pictures(_ method: String, _ ids: [String]) -> Int {
      all(method, ids).values.reduce(0) { $0 + $1.count }
    }

    func prompts(_ method: String, _ ids: [String]) -> Int { all(method, ids).count }

    /// The pictures of prompts that have a score.
    func of(_ kind: ScoreKind, _ method: String, _ ids: [String]) -> [PictureSample] {
      ids.flatMap { id in
        (values[kind]?[method]?[id] ?? [:]).sorted { $0.key < $1.key }.map { seed, value in
          PictureSample(prompt: id, seed: seed, value: value)
        }
      }
    }
  }
}
