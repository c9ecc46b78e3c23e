import ArgumentParser

/// How many runs are made at a time.
struct BatchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How many runs are made side by side, as far as threads and memory allow. Results do not change \
      by a byte; small pictures are faster.
      """, valueName: "runs"))
  var batch = 1

  func validate() throws {
    guard batch >= 1 else {
      throw ValidationError("--batch is \(batch); expected 1 or more")
    }
  }
}
