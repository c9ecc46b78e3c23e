import ArgumentParser
import TensorEngine

/// How many runs are made at a time.
struct BatchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How many runs are made side by side, as far as threads and memory allow. Results do not change \
      by a byte. (default: one on each thread where pictures are small, which is faster; else 1)
      """, valueName: "runs"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      """
      The most memory that the process may take, as in 6GiB or 800M; what needs more is not begun. Limits by \
      ulimit and control groups hold besides. (default: all there is)
      """, valueName: "size"))
  var maxMemory: ByteCount?

  func validate() throws {
    if let maxMemory { Engine.maximumMemory = maxMemory.bytes }
    guard let batch else { return }
    guard batch >= 1 else {
      throw ValidationError("--batch is \(batch); expected 1 or more")
    }
  }
}
