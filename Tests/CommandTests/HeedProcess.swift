import Foundation
import Glibc
import TestSupport
import Testing

/// The built command, run as a user runs it.
struct HeedProcess {
  /// How a process ended and what it said.
  struct Result {
    /// The exit code, or the negative number of the signal that ended it.
    let status: Int32
    let stdout: String
    let stderr: String

    /// The lines on standard error.
    var messages: [Substring] { stderr.split(separator: "\n") }
  }

  private let process = Process()
  private let folder: TemporaryFolder

  /// The executable that stands beside the one which runs the tests.
  static var executable: String {
    get throws {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/heed"
    }
  }

  /// Starts the command.
  /// - Parameters:
  ///   - shell: A line of shell that runs `"$@"`, as in `ulimit -f 8; exec "$@"`.
  init(
    _ arguments: [String], stdin: [UInt8] = [], in directory: String,
    environment: [String: String] = [:], shell: String? = nil
  ) throws {
    folder = try TemporaryFolder()
    let command = [try Self.executable] + arguments
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", shell, "sh"] + command
    } else {
      process.executableURL = URL(fileURLWithPath: command[0])
      process.arguments = arguments
    }
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    // A crash shall end at once, without a trace of the stack.
    let fixed = ["SWIFT_BACKTRACE": "enable=no", "COLUMNS": "80"]
    process.environment = ProcessInfo.processInfo.environment.merging(fixed) { $1 }
      .merging(environment) { $1 }
    let input = folder.path + "/stdin"
    try Data(stdin).write(to: URL(fileURLWithPath: input))
    process.standardInput = FileHandle(forReadingAtPath: input)
    process.standardOutput = try Self.file(folder.path + "/stdout")
    process.standardError = try Self.file(folder.path + "/stderr")
    try process.runWithSignals()
  }

  private static func file(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  /// Sends a signal.
  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// What standard error holds so far.
  var messagesSoFar: String { folder.text("stderr") }

  /// Waits for the end.
  func wait() -> Result {
    process.waitUntilExit()
    let status = process.terminationStatus
    return Result(
      status: process.terminationReason == .uncaughtSignal ? -status : status,
      stdout: folder.text("stdout"), stderr: folder.text("stderr"))
  }

  /// Runs the command to its end.
  static func run(
    _ arguments: [String], stdin: [UInt8] = [], in directory: String,
    environment: [String: String] = [:], shell: String? = nil
  ) throws -> Result {
    try HeedProcess(
      arguments, stdin: stdin, in: directory, environment: environment, shell: shell
    ).wait()
  }
}

extension Process {
  /// Starts the process so that signals reach it: the threads of tests block them, and a child inherits
  /// that.
  func runWithSignals() throws {
    var (none, own) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &own)
    defer { pthread_sigmask(SIG_SETMASK, &own, nil) }
    try run()
  }
}

/// Checks that the command refused: the code, and one line on standard error with these words,
/// or, where tokens must be chosen, that line and the table of tokens.
func expectRefusal(
  _ result: HeedProcess.Result, _ code: Int32, _ words: [String], showsTokens: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(result.status == code, "\(result.stderr)", sourceLocation: sourceLocation)
  #expect(result.stdout.isEmpty, sourceLocation: sourceLocation)
  let line = result.messages.first.map(String.init) ?? ""
  #expect(line.hasPrefix("heed: "), "\(line)", sourceLocation: sourceLocation)
  for word in words {
    #expect(line.contains(word), "\(result.stderr)", sourceLocation: sourceLocation)
  }
  if showsTokens {
    let titles = result.messages.dropFirst().first.map { $0.split(separator: " ") } ?? []
    #expect(titles == ["index", "id", "piece", "word"], sourceLocation: sourceLocation)
  } else {
    #expect(result.messages.count == 1, "\(result.stderr)", sourceLocation: sourceLocation)
  }
  expectPlain(result.stderr, sourceLocation: sourceLocation)
}

/// Checks that a text holds nothing that moves a terminal's cursor.
func expectPlain(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
  let controls = text.unicodeScalars.filter { $0.properties.generalCategory == .control }
  #expect(controls.allSatisfy { $0 == "\n" }, "\(text)", sourceLocation: sourceLocation)
}
