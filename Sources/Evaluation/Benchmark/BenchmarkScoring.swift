internal import AttentionTrace
private import Foundation
private import Pictures
private import Synchronization
private import TensorEngine

/// Scores the pictures of a benchmark, or of one of its shards, that have no score yet.
package struct BenchmarkScoring {
  /// A picture that is to be scored.
  private struct Item: Sendable {
    let prompt: SuitePrompt
    let method: String
    let seed: UInt64
    let picture: String

    var key: String { "\(method)/\(prompt.id)/\(seed)" }
  }

  private let folder: BenchmarkFolder
  private let items: [Item]
  private let suffix: String

  /// Pictures whose scores are written together.
  private static let together = 32

  /// How many pictures there are.
  package var count: Int { items.count }

  /// The pictures of a benchmark.
  /// - Parameter isPartial: whether pictures that are not there yet are left out.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` for the first run that is missing or not
  ///   complete, unless `isPartial`; `TraceError` for a damaged one; `FileError`.
  package init(_ folder: BenchmarkFolder, shard: Shard, isPartial: Bool) throws {
    let record = try BenchmarkRecord(path: folder.record)
    let suite = try Suite(folder.suite, format: .jsonl)
    var (items, missing): ([Item], [String]) = ([], [])
    for prompt in suite.prompts {
      for seed in record.seeds {
        for method in record.methods where record.seeds(of: method).contains(seed) {
          let run = folder.run(prompt.id, method, seed: seed)
          if try folder.status(of: prompt, method, seed: seed) == .complete {
            items.append(
              Item(prompt: prompt, method: method, seed: seed, picture: run.image))
          } else {
            missing.append(run.path)
          }
        }
      }
    }
    guard isPartial || missing.isEmpty else {
      throw EvaluationError.benchmark(
        path: folder.path,
        reason: "\(missing.count) of \(missing.count + items.count) runs are not complete, as "
          + "\(missing[0]): finish heed benchmark run, or score what is there with --partial")
    }
    guard !items.isEmpty else {
      throw EvaluationError.benchmark(path: folder.path, reason: "expected complete runs, got none")
    }
    self.folder = folder
    self.items = shard.items(of: items, by: \.key)
    suffix = shard == .whole ? "" : ".\(shard.index)-of-\(shard.count)"
  }

  /// Scores what has no score by `scorer` yet.
  /// - Parameters:
  ///   - onPictures: is told how many pictures were scored, or had been before, and may throw to stop.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` where there are scores by another model; what
  ///   the scorer throws; `FileError`.
  package func score(
    with scorer: PictureScorer, onPictures: (_ done: Int) throws -> Void
  ) throws {
    let path = "\(folder.scores)/\(scorer.name)\(suffix).jsonl"
    let there = try ScoreFile.all(in: folder.scores, continuing: path).filter {
      $0.scorer == scorer.name
    }
    if let other = there.first(where: { $0.model != scorer.model }) {
      throw EvaluationError.benchmark(
        path: folder.scores,
        reason: "\(scorer.name) scored with \(other.model), now with \(scorer.model): remove the "
          + "scores of one of them")
    }
    var file = try ScoreFile(continuing: path)
    let done = Set(there.map { "\($0.method)/\($0.id)/\($0.seed)" })
    let left = items.filter { !done.contains($0.key) }
    try onPictures(items.count - left.count)
    for first in stride(from: 0, to: left.count, by: Self.together) {
      let some = Array(left[first..<min(first + Self.together, left.count)])
      let results = Mutex([Result<PictureScore, any Error>?](repeating: nil, count: some.count))
      Parallel.sideBySide(some.count, atATime: some.count) { index in
        let item = some[index]
        let result = Result {
          try scorer.score(item.prompt, Picture.read(item.picture), item.method, item.seed)
            .by(scorer.model)
        }
        results.withLock { $0[index] = result }
      }
      let scores = try results.withLock { try $0.compactMap { try $0?.get() } }
      try file.append(scores)
      try onPictures(scores.count)
    }
  }
}
