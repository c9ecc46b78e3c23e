package import AttentionTrace

/// The picture of a completed run of a benchmark.
package struct BenchmarkPicture: Hashable, Sendable {
  /// The prompt's `id` in the suite.
  package let id: String
  /// The folder of the method's runs.
  package let method: String
  /// The seed of the run.
  package let seed: UInt64
  /// The run.
  package let run: RunFolder
}
