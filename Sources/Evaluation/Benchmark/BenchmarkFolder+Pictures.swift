package import AttentionTrace
private import Foundation
private import TensorEngine

extension BenchmarkFolder {
  /// A complete run, whose picture is there; `nil` where there is none, or none yet.
  /// - Throws: as ``status(of:_:seed:)``, and `FileError` for a complete run without its picture, or with
  ///   a link or no PNG in its place.
  package func picture(
    of prompt: SuitePrompt, _ method: String, seed: UInt64
  ) throws -> RunFolder? {
    guard try status(of: prompt, method, seed: seed) == .complete else { return nil }
    let run = run(prompt.id, method, seed: seed)
    guard FileManager.default.fileExists(atPath: run.image) else {
      throw FileError(
        .missing, path: run.image,
        reason:
          "the complete run's picture is not there: remove the run's folder, and heed benchmark "
          + "run makes it again")
    }
    _ = try run.openPicture()
    return run
  }
}
