internal import AttentionTrace
private import Foundation
internal import TensorEngine

/// The runs of a benchmark, of which a study shows pictures.
struct StudyRuns {
  /// The benchmark.
  let benchmark: BenchmarkFolder

  /// The names of the methods, in order: those of the benchmark's whole record, or where there is none, those of
  /// which there is a run of a prompt.
  /// - Throws: `FileError` for a record or a folder that cannot be read; as ``BenchmarkFolder/wholeRecord(of:)``.
  func methods(of suite: Suite) throws -> [String] {
    if FileManager.default.fileExists(atPath: benchmark.record) {
      return try benchmark.wholeRecord(of: suite).methods.sorted()
    }
    let found = try suite.prompts.flatMap { prompt in
      try names("\(benchmark.runs)/\(prompt.id)").filter { try hasRun(of: prompt, by: $0) }
    }
    return Set(found).sorted()
  }

  /// Whether a folder beside the runs of a prompt holds some, whatever else may be there.
  private func hasRun(of prompt: SuitePrompt, by name: String) throws -> Bool {
    let path = "\(benchmark.runs)/\(prompt.id)/\(name)"
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      isFolder.boolValue
    else { return false }
    return try names(path).contains { place in
      RunFolder.seed(named: place).map { seed in
        FileManager.default.fileExists(
          atPath: benchmark.run(prompt.id, name, seed: seed).manifest)
      } ?? false
    }
  }

  /// The smallest seeds of which every method has a picture of `prompt`; `nil` if there are fewer than
  /// `count`.
  /// - Throws: `TraceError` for a run that cannot be read, `EvaluationError` for one of another prompt or seed.
  func seeds(of prompt: SuitePrompt, by methods: [String], count: Int) throws -> [UInt64]? {
    let all = try methods.map { try seeds(of: prompt, by: $0) }
    guard let first = all.first else { return nil }
    var found: [UInt64] = []
    for seed in all.dropFirst().reduce(first, { $0.intersection($1) }).sorted() {
      guard
        try methods.allSatisfy({ try benchmark.status(of: prompt, $0, seed: seed) == .complete })
      else { continue }
      found.append(seed)
      if found.count == count { return found }
    }
    return nil
  }

  private func seeds(of prompt: SuitePrompt, by method: String) throws -> Set<UInt64> {
    Set(
      try names("\(benchmark.runs)/\(prompt.id)/\(method)").compactMap { name in
        guard let seed = RunFolder.seed(named: name),
          FileManager.default.fileExists(atPath: benchmark.run(prompt.id, method, seed: seed).image)
        else { return nil }
        return seed
      })
  }

  /// The names in a folder; none if there is no such folder.
  private func names(_ path: String) throws -> [String] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw FileError(.unreadable, path: path, reason: "expected a folder that can be read")
    }
  }
}
