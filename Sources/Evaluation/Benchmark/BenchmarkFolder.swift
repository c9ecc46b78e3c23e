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

  /// Which runs there are to be: those that the folder's record names, and methods and seeds whose runs were
  /// copied here from another part of the benchmark, which had a record of its own.
  ///
  /// - Throws: `FileError`; of runs that the record does not name, as ``status(of:_:seed:)``.
  package func wholeRecord(of suite: Suite) throws -> BenchmarkRecord {
    func names(_ path: String) -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    }
    var record = try BenchmarkRecord(path: self.record)
    var found: [String: [UInt64: SuitePrompt]] = [:]
    for prompt in suite.prompts {
      for method in names("\(runs)/\(prompt.id)") {
        for seed in names("\(runs)/\(prompt.id)/\(method)").compactMap(RunFolder.seed(named:)) {
          found[method, default: [:]][seed] = prompt
        }
      }
    }
    for (method, prompts) in found.sorted(by: { $0.key < $1.key }) {
      let known = record.methods.contains(method) ? record.seeds(of: method) : []
      let seeds = try Set(prompts.keys).subtracting(known).sorted().filter { seed in
        try prompts[seed].map { try status(of: $0, method, seed: seed) != nil } ?? false
      }
      guard let seed = seeds.first, let prompt = prompts[seed],
        let run = try RunManifest.read(self.run(prompt.id, method, seed: seed)),
        run.method.name == method
      else { continue }
      // As the plan of the run has it: the method's title, and what was varied.
      let varied = method.split(separator: "+").dropFirst().map(String.init)
      let title = [run.method.title ?? run.method.family] + varied
      record = try record.adding(
        BenchmarkRecord(
          suite: record.suite, model: record.model,
          methods: [(method, title.joined(separator: ", "))], seeds: seeds), path: self.record)
    }
    return record
  }

  /// Writes which runs there are to be, besides those that were to be before.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` where the folder holds a benchmark of another
  ///   suite or model; `FileError`.
  package func add(_ record: BenchmarkRecord, of suite: Suite) throws {
    try OutputFolder.make(path)
    let lines = Array(suite.lines.utf8)
    if FileManager.default.fileExists(atPath: self.suite) {
      guard try Self.holds(lines, self.suite) else {
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
    try write(record)
  }

  /// Writes the record where it is another than there is.
  /// - Throws: `FileError`.
  func write(_ record: BenchmarkRecord) throws {
    let bytes = try record.json
    if FileManager.default.fileExists(atPath: self.record), try Self.holds(bytes, self.record) {
      return
    }
    try AtomicFile.write(to: self.record) { try $0.append(bytes) }
  }

  /// Whether the file at `path` is these bytes; one of another size is not read.
  private static func holds(_ bytes: [UInt8], _ path: String) throws -> Bool {
    let file = try MappedFile(path: path)
    guard file.count == bytes.count else { return false }
    return unsafe file.withBytes { unsafe Data($0) } == Data(bytes)
  }
}
