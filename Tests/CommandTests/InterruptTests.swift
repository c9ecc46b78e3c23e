import Foundation
import Glibc
import Testing

/// Runs that are cut off, and go on.
@Suite("Interrupted runs")
struct InterruptTests {
  private static let root = "runs/a-cat-and-a-frog"
  private static let arguments = [
    "compare", OutputFolderTests.prompt, "--seeds", "0", "--steps", "30", "--layers", "*",
    "--phases", "denoise,loss,refinement",
  ]

  /// The folders of both methods, made in one go.
  private static let whole: Result<RunContents, any Error> = Result {
    let folder = try Scratch()
    #expect(try HeedProcess.run(arguments, in: folder.path).status == 0)
    return try contents(folder)
  }

  private static func contents(_ folder: Scratch) throws -> RunContents {
    try RunContents(folder.path + "/" + root)
  }

  /// The number of whole lines of every journal.
  private func acknowledged(_ folder: Scratch) -> [String: [UInt8]] {
    let journals = folder.names.filter { $0.hasSuffix("calls.jsonl") }
    return Dictionary(
      uniqueKeysWithValues: journals.map { name in
        let bytes = folder.bytes(name)
        return (name, Array(bytes.prefix(1 + (bytes.lastIndex(of: 0x0A) ?? -1))))
      })
  }

  @Test(
    "Ctrl-C at any moment keeps what was acknowledged, and the same command ends with the bytes of an uninterrupted run"
  )
  func interrupts() throws { try cutOff(by: SIGINT, times: 6) }

  @Test("So does a kill")
  func kills() throws { try cutOff(by: SIGKILL, times: 6) }

  @Test("So does a termination")
  func terminations() throws { try cutOff(by: SIGTERM, times: 2) }

  private func cutOff(by signal: Int32, times: Int) throws {
    var random = SeededGenerator(state: UInt64(getpid()) &+ UInt64(signal))
    var cuts = 0
    for _ in 0..<(4 * times) where cuts < times {
      let folder = try Scratch()
      while cuts < 4 * times {
        let before = acknowledged(folder)
        let process = try HeedProcess(Self.arguments, in: folder.path)
        usleep(UInt32.random(in: 100_000...1_500_000, using: &random))
        process.send(signal)
        let result = process.wait()
        for (name, bytes) in before {
          #expect(folder.bytes(name).starts(with: bytes.prefix(0)), "\(name)")
        }
        if result.status == 0 { break }
        cuts += 1
        // Before the command watches for signals, the system's own handling ends it.
        if signal == SIGKILL || result.status < 0 {
          #expect(result.status == -signal)
        } else {
          #expect(result.status == 130)
          #expect(
            result.messages.last == "heed: interrupted; the same command resumes",
            "\(result.stderr)")
        }
      }
      #expect(try HeedProcess.run(Self.arguments, in: folder.path).status == 0)
      let (made, whole) = (try Self.contents(folder), try Self.whole.get())
      #expect(made.names == whole.names)
      #expect(made == whole)
    }
    #expect(cuts > 0)
  }

  @Test("A second Ctrl-C ends at once")
  func twice() throws {
    let folder = try Scratch()
    let process = try HeedProcess(Self.arguments, in: folder.path)
    while !FileManager.default.fileExists(atPath: folder.path + "/" + Self.root) { usleep(1000) }
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
