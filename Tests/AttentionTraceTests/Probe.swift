import Foundation
import TestSupport

/// The program `RecordingProbe` beside the one that runs the tests, with system calls that fail on demand.
enum Probe {
  /// How it ended, and what it said.
  struct Result {
    let said: [String]
    /// Its exit code, or the negative number of the signal that ended it.
    let status: Int32
  }

  /// How many calls lines of it say are acknowledged.
  static func acknowledged(_ said: [String]) -> Int { said.compactMap { Int($0) }.max() ?? 0 }

  /// Starts it; `faults` are the variables of `Fixtures/faults.c`.
  static func start(
    _ arguments: [String], faults: [String: String] = [:], input: Pipe? = nil
  ) throws -> (process: Process, output: Pipe) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: try Program.built("RecordingProbe"))
    process.arguments = arguments
    process.standardOutput = output
    if let input { process.standardInput = input }
    var environment = ProcessInfo.processInfo.environment.merging(faults) { $1 }
    if !faults.isEmpty { environment["LD_PRELOAD"] = FaultyCalls.library }
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    try process.run()
    return (process, output)
  }

  /// What it says, once it has ended.
  static func wait(for started: (process: Process, output: Pipe)) -> Result {
    let said = started.output.fileHandleForReading.readDataToEndOfFile()
    started.process.waitUntilExit()
    let status = started.process.terminationStatus
    return Result(
      said: String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init),
      status: started.process.terminationReason == .uncaughtSignal ? -status : status)
  }

  /// Runs it to its end.
  static func run(_ arguments: [String], faults: [String: String] = [:]) throws -> Result {
    wait(for: try start(arguments, faults: faults))
  }
}
