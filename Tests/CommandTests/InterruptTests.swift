import Foundation
import Glibc
import TestSupport
import Testing

/// Runs that are cut off, and go on.
@Suite("Interrupted runs")
struct InterruptTests {
  private static let root = "runs/a-cat-and-a-frog"
  private static let arguments = [
    "compare", OutputFolderTests.prompt, "--seeds", "0", "--steps", "16", "--layers", "*",
    "--phases", "denoise,loss,refinement",
  ]

  /// The most calls of one step: two looks, twenty tries, and both branches of the prediction.
  private static let callsOfStep = 24

  /// The folders of both methods, made in one go.
  private static let whole: Result<RunContents, any Error> = Result {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(arguments, in: folder.path).status == 0)
    return try contents(folder)
  }

  private static func contents(_ folder: TemporaryFolder) throws -> RunContents {
    try RunContents(folder.path + "/" + root)
  }

  /// The whole lines of each journal, which hold no call that the uninterrupted run lacks.
  private func acknowledged(_ folder: TemporaryFolder) throws -> [String: Int] {
    let whole = try Self.whole.get()
    var counts: [String: Int] = [:]
    for name in whole.names where name.hasSuffix("calls.jsonl") {
      let bytes = folder.bytes(Self.root + "/" + name)
      let lines = bytes.prefix(1 + (bytes.lastIndex(of: 0x0A) ?? -1))
      #expect(whole[name].starts(with: lines), "\(name)")
      counts[name] = lines.count { $0 == 0x0A }
    }
    return counts
  }

  /// At any moment: what was acknowledged is kept, and the same command ends with the bytes of an
  /// uninterrupted run.
  @Test("Ctrl-C keeps what was acknowledged, and the same command resumes to the same bytes")
  func interrupts() throws { try cutOff(by: SIGINT, times: Torture.count(5, whole: 20)) }

  @Test("So does a kill")
  func kills() throws { try cutOff(by: SIGKILL, times: Torture.count(5, whole: 20)) }

  @Test("So does a termination")
  func terminations() throws { try cutOff(by: SIGTERM, times: Torture.count(2, whole: 20)) }

  @Test("So do runs that are made side by side")
  func batches() throws {
    try cutOff(by: SIGINT, times: Torture.count(2, whole: 5), options: ["--batch", "2"])
  }

  private func cutOff(by signal: Int32, times: Int, options: [String] = []) throws {
    let arguments = Self.arguments + options
    var random = SeededNumbers(seed: UInt64(getpid()) &+ UInt64(signal))
    var (cuts, checked) = (0, 0)
    // In microseconds; less where a machine is done earlier.
    var latest: UInt32 = 900_000
    for _ in 0..<(4 * times) where cuts < times {
      let folder = try TemporaryFolder()
      // Cut off, resumed and cut off again, until it is done.
      for _ in 0..<3 {
        let before = try acknowledged(folder)
        let process = try HeedProcess(arguments, in: folder.path)
        usleep(UInt32.random(in: latest / 12...latest, using: &random))
        process.send(signal)
        let result = process.wait()
        if result.status == 0 {
          latest = max(latest / 2, 10_000)
          break
        }
        cuts += 1
        check(result, endedBy: signal)
        let after = try acknowledged(folder)
        checked += after.values.reduce(0, +)
        for (name, count) in after where signal != SIGKILL {
          // A resumed run makes its unfinished step again, and may be cut off before it is done.
          #expect(count + Self.callsOfStep >= before[name, default: 0], "\(name)")
        }
      }
      #expect(try HeedProcess.run(arguments, in: folder.path).status == 0)
      let (made, whole) = (try Self.contents(folder), try Self.whole.get())
      #expect(made.names == whole.names)
      #expect(made == whole)
    }
    #expect(cuts > 0)
    // That no call is lost is that the journals are the beginnings of the uninterrupted run's, and no shorter
    // than before.
    let what = signal == SIGKILL ? "kills" : "signals"
    print(
      "signal \(signal) to heed: \(what): \(cuts), acknowledged calls checked: \(checked), lost: 0")
  }

  /// Before the command watches for signals there is nothing to keep, and the system ends it.
  private func check(_ result: HeedProcess.Result, endedBy signal: Int32) {
    if signal == SIGKILL || result.status < 0 {
      #expect(result.status == -signal)
    } else {
      #expect(result.status == 130, "\(result.stderr)")
      #expect(result.messages.last == "heed: interrupted; the same command resumes")
    }
  }

  @Test("A second Ctrl-C ends at once")
  func twice() throws {
    let folder = try TemporaryFolder()
    let process = try HeedProcess(Self.arguments, in: folder.path)
    for _ in 0..<5000
    where !FileManager.default.fileExists(atPath: folder.path + "/" + Self.root) { usleep(1000) }
    usleep(50_000)
    process.send(SIGINT)
    usleep(1000)
    process.send(SIGINT)
    let result = process.wait()
    #expect([-SIGINT, 130].contains(result.status))
    #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
    #expect(try Self.contents(folder) == Self.whole.get())
  }
}
