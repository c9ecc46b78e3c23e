internal import AttentionTrace
private import Foundation
private import TensorEngine

extension BenchmarkFolder {
  /// The picture of a complete run; `nil` where there is none, or none yet.
  /// - Throws: `TraceError` for a run that cannot be read, `FileError` for a complete one without its picture.
  package func picture(_ id: String, _ method: String, seed: UInt64) throws -> String? {
    let run = self.run(id, method, seed: seed)
    guard FileManager.default.fileExists(atPath: run.manifest),
      try RecordedRun(run.path).manifest.status == .complete
    else { return nil }
    guard FileManager.default.fileExists(atPath: run.image) else {
      throw FileError(.missing, path: run.image, reason: "the run's picture is not there")
    }
    return run.image
  }
}
