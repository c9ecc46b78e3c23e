internal import AttentionTrace
private import Foundation
private import TensorEngine

extension BenchmarkFolder {
  /// The picture of a complete run; `nil` where there is none, or none yet.
  /// - Throws: as ``status(of:_:seed:)``, and `FileError` for a complete run without its picture.
  package func picture(
    of prompt: SuitePrompt, _ method: String, seed: UInt64
  ) throws -> String? {
    guard try status(of: prompt, method, seed: seed) == .complete else { return nil }
    let run = run(prompt.id, method, seed: seed)
    guard FileManager.default.fileExists(atPath: run.image) else {
      throw FileError(
        .missing, path: run.image,
        reason:
          "the complete run's picture is not there: remove the run's folder, and heed benchmark "
          + "run makes it again")
    }
    return run.image
  }
}
