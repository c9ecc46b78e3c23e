import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Killed recordings")
struct KillTests {
  /// The program beside the one that runs the tests.
  private static var probe: URL {
    get throws {
      URL(
        fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(
          atPath: "/proc/self/exe")
      ).deletingLastPathComponent().appendingPathComponent("RecordingProbe")
    }
  }

  /// Runs the probe; kills it after `delay` microseconds, if given.
  /// - Returns: What it said, line by line, and whether it was killed.
  private func runProbe(
    _ arguments: [String], killAfter delay: UInt32? = nil
  ) throws -> (said: [String], wasKilled: Bool, status: Int32) {
    let process = Process()
    let output = Pipe()
    process.executableURL = try Self.probe
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
    if let delay {
      usleep(delay)
      kill(process.processIdentifier, SIGKILL)
    }
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
    return (lines, process.terminationReason == .uncaughtSignal, process.terminationStatus)
  }

  /// Checks every file of a store: descriptions parse, every chunk's checksum fits, and nothing is
  /// there that is neither, but a file that was being written.
  private func checkStore(_ path: String) throws {
    for (name, data) in try TemporaryFolder.contents(path) {
      let file = name.split(separator: "/").last.map(String.init) ?? name
      if file == "zarr.json" {
        _ = try JSONSerialization.jsonObject(with: data)
      } else if file != ".tmp" {
        #expect(file.hasPrefix("c."), "\(name)")
        let own = data.suffix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        #expect(own == referenceChecksum(data.dropLast(4)), "\(name)")
      }
    }
  }

  @Test("What a recording acknowledged is there after it was killed at any moment")
  func kills() throws {
    let steps = 24
    let wanted = 120
    let folder = try TemporaryFolder()
    let run = SyntheticRun.complete(steps: steps)
    try run.record(into: RunFolder(path: folder.path + "/whole"))
    let whole = try TemporaryFolder.contents(folder.path + "/whole")
    var random = SeededNumbers(seed: UInt64(getpid()))
    var (kills, checked, lost, finished, attempt) = (0, 0, 0, 0, 0)
    // At last one is left to end, as on busy cores none may have ended before it was killed.
    while kills < wanted || finished == 0 {
      let path = folder.path + "/run-\(finished)"
      attempt += 1
      try #require(attempt < 20 * wanted)
      let outcome = try runProbe(
        [path, "\(steps)", attempt % 4 == 0 ? "power" : "process"],
        killAfter: kills < wanted ? UInt32.random(in: 3_000...120_000, using: &random) : nil)
      guard FileManager.default.fileExists(atPath: path + "/run.json") else { continue }
      let said = outcome.said.last.flatMap(Int.init) ?? 0
      let read = try RecordedRun(path)
      lost += max(0, said - read.calls.count)
      for call in read.calls {
        #expect(call.checksums.count == run.sites.count + read.queriedSites.count)
        for site in read.queriedSites {
          let values = try read.queries(site.path, call: call.call)?.values
          #expect(values == run.queries(site, call: call.call).map { Float(Float16($0)) })
        }
        for site in run.sites {
          let values = try read.maps(site.path, call: call.call)?.values
          #expect(values == run.maps(site, call: call.call).map { Float(Float16($0)) })
        }
        checked += 1
      }
      // Chunks beyond the next call are what a process leaves that is killed as it resumes.
      for problem in try RunCheck(path).problems where read.manifest.status == .running {
        #expect(problem.reason.hasSuffix("resuming the run removes it"), "\(problem)")
      }
      if FileManager.default.fileExists(atPath: path + "/attention.zarr") {
        try checkStore(path + "/attention.zarr")
      }
      if outcome.wasKilled {
        kills += 1
      } else {
        #expect(outcome.status == 0, "\(outcome.said.last ?? "")")
        #expect(try TemporaryFolder.contents(path) == whole)
        finished += 1
      }
    }
    #expect(lost == 0)
    #expect(finished > 0)
    print(
      "kills: \(kills), acknowledged calls checked: \(checked), lost: \(lost), "
        + "runs resumed to the end with the same bytes: \(finished)")
  }

  @Test(
    "A file that cannot grow ends the recording with its path, and keeps the calls before",
    arguments: [3_000, 5_000, 12_000])
  func fullDisk(_ largest: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let outcome = try runProbe([path, "60", "process", "\(largest)"])
    #expect(outcome.status == 74)
    let said = outcome.said.last ?? ""
    #expect(said.hasPrefix("cannot write \(path)/"))
    #expect(said.hasSuffix("File too large (errno 27)"))
    guard FileManager.default.fileExists(atPath: path + "/run.json") else { return }
    let read = try RecordedRun(path)
    let acknowledged = outcome.said.dropLast().last.flatMap(Int.init) ?? 0
    #expect(read.calls.count >= acknowledged)
    for call in read.calls {
      for site in read.sites { #expect(try read.maps(site.site.path, call: call.call) != nil) }
    }
    let run = SyntheticRun.complete(steps: 60)
    try run.record(into: read.folder)
    try run.record(into: RunFolder(path: folder.path + "/whole"))
    #expect(
      try TemporaryFolder.contents(path) == TemporaryFolder.contents(folder.path + "/whole"))
  }
}

/// CRC-32C a bit at a time, as RFC 3720 defines it.
func referenceChecksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(~0 as UInt32) { checksum, byte in
    (0..<8).reduce(checksum ^ UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }
}
