import Foundation
import Glibc
import RecordingProbe
import TestSupport

/// `strace`, which makes calls of the system fail in a recording, or kills it at them.
enum Tracer {
  /// A call of the system that is tampered with.
  struct Fault: CustomStringConvertible {
    /// What becomes of the call.
    enum Effect: Equatable {
      /// It fails with an error of this name and number.
      case error(String, Int32)
      /// The process is killed as it begins.
      case kill
    }

    /// As strace names it.
    let call: String
    let effect: Effect
    /// Which of a thread's calls since `moment`, from 1.
    let occurrence: Int
    /// Whether all later ones are, too.
    let isPersistent: Bool
    /// From when on calls are counted.
    let moment: SyntheticRun.Moment

    /// As in `openat:error=EIO:when=3+`.
    var description: String {
      let (when, effect) = ("when=\(occurrence)\(isPersistent ? "+" : "")", effect)
      let told = if case .error(let name, _) = effect { "error=\(name)" } else { "signal=SIGKILL" }
      return "\(call):\(told):\(when)"
    }
  }

  private static let strace = ["/usr/bin/strace", "/usr/local/bin/strace"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// Whether a process may be traced here.
  static let isPossible: Bool = {
    guard strace != nil, let folder = try? TemporaryFolder() else { return false }
    let fault = Fault(
      call: "openat", effect: .error("EIO", EIO), occurrence: 1, isPersistent: false, moment: .begin
    )
    let tried = try? record([folder.path + "/run", "1"], tampering: fault)
    return tried?.wasHit == true
  }()

  /// How often a thread makes each call from a moment on in a recording that is left alone.
  static func counts(
    _ arguments: [String], from moment: SyntheticRun.Moment
  ) throws -> [String: Int] {
    let log = try trace(arguments, at: moment, ["-e", "trace=desc,file"]).log
    var counts: [String: [String: Int]] = [:]
    for line in log.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 1, let end = fields[1].firstIndex(of: "(") else { continue }
      counts[String(fields[1][..<end]), default: [:]][String(fields[0]), default: 0] += 1
    }
    return counts.mapValues { $0.values.max() ?? 0 }
  }

  /// Records with a call of the system tampered with.
  /// - Returns: How the recording ended, and whether the call was made.
  static func record(
    _ arguments: [String], tampering fault: Fault
  ) throws -> (result: Probe.Result, wasHit: Bool) {
    let traced = try trace(
      arguments, at: fault.moment, ["-e", "trace=" + fault.call, "-e", "inject=\(fault)"])
    return (
      traced.result, traced.log.contains("(INJECTED)") || traced.result.status == -SIGKILL
    )
  }

  /// Attaches to a recording at a moment, and lets it go on.
  private static func trace(
    _ arguments: [String], at moment: SyntheticRun.Moment, _ options: [String]
  ) throws -> (result: Probe.Result, log: String) {
    let folder = try TemporaryFolder()
    let input = Pipe()
    let started = try Probe.start(arguments + ["wait=\(moment.rawValue)"], input: input)
    let (output, identifier) = (started.output.fileHandleForReading, started.process)
    var said = Data()
    // What it says before are numbers of calls.
    while !String(decoding: said, as: UTF8.self).hasSuffix("\(moment.rawValue)\n") {
      let more = output.availableData
      if more.isEmpty { break }
      said += more
    }
    let tracer = Process()
    let (messages, log) = (Pipe(), folder.path + "/log")
    tracer.executableURL = URL(fileURLWithPath: strace ?? "strace")
    tracer.arguments = ["-f", "-o", log, "-p", "\(identifier.processIdentifier)"] + options
    tracer.standardError = messages
    try tracer.run()
    var told = Data()
    // Ends without this where it may not attach.
    while !String(decoding: told, as: UTF8.self).contains("attached") {
      let more = messages.fileHandleForReading.availableData
      if more.isEmpty { break }
      told += more
    }
    // A process that has ended reads nothing, and writing to it would end this one.
    if started.process.isRunning {
      try input.fileHandleForWriting.write(contentsOf: Data([0x0A]))
    }
    said += output.readDataToEndOfFile()
    started.process.waitUntilExit()
    _ = messages.fileHandleForReading.readDataToEndOfFile()
    tracer.waitUntilExit()
    let status = started.process.terminationStatus
    let wasKilled = started.process.terminationReason == .uncaughtSignal
    return (
      Probe.Result(
        said: String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init),
        status: wasKilled ? -status : status),
      (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    )
  }
}
