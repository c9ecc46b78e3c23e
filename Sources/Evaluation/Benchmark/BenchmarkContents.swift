internal import AttentionTrace
internal import TensorEngine

/// What a benchmark's folder says of itself: suite, methods, seeds and scores.
package struct BenchmarkContents: Sendable {
  /// Where it is.
  package let folder: BenchmarkFolder
  package let record: BenchmarkRecord
  package let suite: Suite
  /// All scores; none if nothing is scored yet.
  package let scores: [PictureScore]
  /// The same by picture.
  package let samples: ScoreSamples

  /// Reads the benchmark in `folder`.
  /// - Throws: `FileError`, also for methods that are no names of folders;
  ///   ``EvaluationError/benchmark(path:reason:)`` when a picture has a score twice, with different values.
  package init(_ folder: BenchmarkFolder) throws {
    suite = try Suite(folder.suite, format: .jsonl)
    record = try folder.wholeRecord(of: suite)
    scores = try ScoreFile.all(in: folder.scores)
    samples = try ScoreSamples(scores, path: folder.scores)
    self.folder = folder
  }

  /// The suite's subsets in its order; none where it has none.
  package var subsets: [String] {
    suite.subsets
  }

  /// The methods with nothing varied, by the folders of their runs.
  package var plainMethods: [String] { Ablations.plain(record.methods) }

  /// The seeds that each of `methods` has, in increasing order.
  package func seeds(of methods: [String]) -> [UInt64] {
    record.seeds(of: methods)
  }

  /// The scores of the pictures of `seeds`, `nil` for all, and of photos, which have no seeds.
  package func scores(ofSeeds seeds: [UInt64]?) -> [PictureScore] {
    guard let wanted = seeds.map(Set.init) else { return scores }
    return scores.filter { $0.method == PhotoFolder.method || wanted.contains($0.seed) }
  }

  /// A method's name for people.
  package func title(of method: String) -> String {
    zip(record.methods, record.titles).first { $0.0 == method }?.1 ?? method
  }

  /// The day of the first run that there is, at midnight as ISO 8601 has it; `nil` without one.
  package var date: String? {
    get throws {
      for prompt in suite.prompts {
        for method in record.methods {
          for seed in record.seeds {
            let run = folder.run(prompt.id, method, seed: seed)
            guard let manifest = try RunManifest.read(run) else { continue }
            return manifest.date.prefix(10) + "T00:00:00Z"
          }
        }
      }
      return nil
    }
  }
}
