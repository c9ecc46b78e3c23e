import ArgumentParser

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

  func validate() throws {
    guard let batch else { return }
    guard batch >= 1 else {
      throw ValidationError("--batch is \(batch); expected 1 or more")
    }
  }
}
