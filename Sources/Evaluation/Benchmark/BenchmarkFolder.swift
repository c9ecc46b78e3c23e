package import AttentionTrace
private import Foundation
internal import TensorEngine

/// A benchmark's folder: its suite, what it is made of, its runs, and the scores of their pictures.
///
/// Processes that make parts of the same benchmark may share it, or have copies that are copied
/// together: a file is written by one of them, or by all of them with the same bytes.
package struct BenchmarkFolder: Hashable, Sendable {
  /// Where it is.
  package let path: String

  /// The benchmark at `path`.
  package init(_ path: String) { self.path = path }

  /// The suite, a line a prompt.
  package var suite: String { path + "/suite.jsonl" }
  /// Which runs there are to be.
  package var record: String { path + "/benchmark.json" }
  /// The runs, as in `runs/a-cat-and-a-frog/attend-and-excite/seed-0`.
  package var runs: String { path + "/runs" }
  /// Scores, a line a picture.
  package var scores: String { path + "/scores" }

  /// The folder of one run.
  /// - Parameter method: the name of the method, with what sets its runs apart.
  package func run(_ id: String, _ method: String, seed: UInt64) -> RunFolder {
    RunFolder(root: runs, id: id, method: method, seed: seed)
  }

  /// How far the run of a prompt is; `nil` if it was not begun.
  /// - Parameter method: the name of the method, with what sets its runs apart.
  /// - Throws: `TraceError` for a run that cannot be read, ``EvaluationError/benchmark(path:reason:)`` for
  ///   one of another prompt or seed.
  func status(
    of prompt: SuitePrompt, _ method: String, seed: UInt64
  ) throws -> RunManifest.Status? {
    let run = run(prompt.id, method, seed: seed)
    guard let manifest = try RunManifest.read(run) else { return nil }
    guard manifest.request.prompt == prompt.prompt, manifest.seed == seed else {
      throw EvaluationError.benchmark(
        path: run.path,
        reason:
          "expected a run of \(FileError.quoted(prompt.prompt)) from seed \(seed), got one of "
          + "\(FileError.quoted(manifest.request.prompt)) from seed \(manifest.seed)")
    }
    return manifest.status
  }

  /// Writes which runs there are to be, besides those that were to be before.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` where the folder holds a benchmark of another
  ///   suite or model; `FileError`.
  package func add(_ record: BenchmarkRecord, of suite: Suite) throws {
    try OutputFolder.make(path)
    let lines = Array(suite.lines.utf8)
    if let there = FileManager.default.contents(atPath: self.suite) {
      guard Array(there) == lines else {
        throw EvaluationError.benchmark(
          path: self.suite,
          reason: "expected the prompts of \(suite.name), got others: give another -o")
      }
    } else {
      try AtomicFile.write(to: self.suite) { try $0.append(lines) }
    }
    var record = record
    if FileManager.default.fileExists(atPath: self.record) {
      record = try BenchmarkRecord(path: self.record).adding(record, path: self.record)
    }
    let bytes = try record.json
    guard FileManager.default.contents(atPath: self.record).map(Array.init) != bytes else { return }
    try AtomicFile.write(to: self.record) { try $0.append(bytes) }
  }
}
