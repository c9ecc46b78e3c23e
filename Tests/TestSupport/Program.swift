private import Foundation

/// Programs that tests run to their end.
package enum Program {
  /// The program of this name beside the one that runs the tests.
  package static func built(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/" + name
  }

  /// Runs a program.
  /// - Returns: Its exit code, or the negative number of the signal that ended it, and what it said on both
  ///   outputs.
  package static func run(
    _ path: String, _ arguments: [String], in folder: String = "/",
    environment: [String: String] = [:]
  ) throws -> (status: Int32, said: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment
      .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }.merging(environment) { $1 }
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let status = process.terminationStatus
    return (
      process.terminationReason == .uncaughtSignal ? -status : status,
      String(decoding: said, as: UTF8.self)
    )
  }
}
