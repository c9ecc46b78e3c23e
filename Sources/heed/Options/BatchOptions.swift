import ArgumentParser

/// How many runs are made at a time.
struct BatchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Runs made side by side, as far as threads and memory allow. Each is what it is alone, to the \
      byte; small pictures are made faster so.
      """, valueName: "runs"))
  var batch = 1

  func validate() throws {
    guard batch >= 1 else {
      throw ValidationError("--batch is \(batch); expected a number of runs from 1 up")
    }
  }
}
