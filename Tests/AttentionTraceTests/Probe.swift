import Foundation
import Glibc
import TestSupport

/// The program `RecordingProbe` beside the one that runs the tests, with system calls that fail on demand.
enum Probe {
  /// How it ended, and what it said.
  struct Result {
    let said: [String]
    /// Its exit code, or the negative number of the signal that ended it.
    let status: Int32
  }

  private static var executable: URL {
    get throws {
      URL(
        fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(
          atPath: "/proc/self/exe")
      ).deletingLastPathComponent().appendingPathComponent("RecordingProbe")
    }
  }

  /// The library that makes calls fail, compiled of `Fixtures/faults.c`; `nil` where there is no compiler.
  static let faults: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let compilers = ["clang", "cc"].flatMap { name in folders.map { "\($0)/\(name)" } }
    guard let compiler = compilers.first(where: FileManager.default.isExecutableFile) else {
      return nil
    }
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/faults.c").path
    let library = FileManager.default.temporaryDirectory.path + "/heed-faults-\(getpid()).so"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: compiler)
    process.arguments = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    try? process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? library : nil
  }()

  /// Starts it; `faults` are the variables of `Fixtures/faults.c`.
  static func start(
    _ arguments: [String], faults: [String: String] = [:]
  ) throws -> (process: Process, output: Pipe) {
    let process = Process()
    let output = Pipe()
    process.executableURL = try executable
    process.arguments = arguments
    process.standardOutput = output
    var environment = ProcessInfo.processInfo.environment.merging(faults) { $1 }
    if !faults.isEmpty { environment["LD_PRELOAD"] = Self.faults }
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
