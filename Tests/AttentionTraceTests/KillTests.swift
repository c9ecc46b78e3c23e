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
  /// Kills the probe after `delay` microseconds, if given.
  private func runProbe(_ arguments: [String], killAfter delay: UInt32?) throws -> Probe.Result {
    let started = try Probe.start(arguments)
    if let delay {
      usleep(delay)
      kill(started.process.processIdentifier, SIGKILL)
    }
    return Probe.wait(for: started)
  }

  @Test(
    "What a recording acknowledged is there after it was killed at any moment, and it resumes to the same bytes"
  )
  func kills() throws {
    let steps = 12
    let wanted = Torture.count(200, whole: 1000)
    let folder = try TemporaryFolder()
    let run = SyntheticRun.complete(steps: steps)
    let wholePath = folder.path + "/whole"
    try run.record(into: RunFolder(path: wholePath))
    let whole = try TemporaryFolder.contents(wholePath)
    var random = SeededNumbers(seed: UInt64(getpid()))
    var tally = Tally()
    var (finished, attempt) = (0, 0)
    var samples: [String] = []
    // At last one is left to end, as on busy cores none may have ended before it was killed.
    while tally.kills < wanted || finished == 0 {
      let path = folder.path + "/run-\(finished)"
      attempt += 1
      try #require(attempt < 20 * wanted)
      let outcome = try runProbe(
        [path, "\(steps)", attempt % 4 == 0 ? "power" : "process"],
        killAfter: tally.kills < wanted ? UInt32.random(in: 3_000...90_000, using: &random) : nil)
      guard FileManager.default.fileExists(atPath: path + "/run.json") else { continue }
      let acknowledged = Probe.acknowledged(outcome.said)
      try Leftover(path: path, run: run).check(acknowledged: acknowledged, &tally)
      if outcome.status == -SIGKILL {
        tally.kills += 1
        if acknowledged > 0, samples.count < Torture.count(3, whole: 20), attempt % 7 == 0 {
          samples.append(folder.path + "/sample-\(samples.count)")
          try FileManager.default.copyItem(atPath: path, toPath: samples[samples.count - 1])
        }
      } else {
        #expect(outcome.status == 0, "\(outcome.said.last ?? "")")
        #expect(try TemporaryFolder.contents(path) == whole)
        if finished == 0 { try checkFigures(path, wholePath, in: folder) }
        finished += 1
      }
    }
    try open(samples)
    #expect(tally.lost == 0)
    #expect(tally.checked > 3 * wanted)
    tally.say("kills at random, \(finished) runs resumed to the same bytes")
  }

  /// Figures of a resumed run are those of one that was left alone.
  private func checkFigures(
    _ resumed: String, _ whole: String, in folder: TemporaryFolder
  ) throws {
    let ends = ["pdf", "png", "svg"]
    for (name, run) in [("resumed", resumed), ("whole", whole)] {
      let drawn = try Program.run(
        try Program.built("heed"),
        ["sheet", run, "--layout", "curves", "--dpi", "72"]
          + ends.flatMap { ["-o", "\(folder.path)/\(name).\($0)"] })
      #expect(drawn.status == 0, "\(drawn.said)")
    }
    for end in ends {
      #expect(
        try bytes("\(folder.path)/resumed.\(end)") == bytes("\(folder.path)/whole.\(end)"), "\(end)"
      )
    }
  }

  /// What a kill leaves opens in xarray and in zarr, which check every chunk's checksum.
  private func open(_ samples: [String]) throws {
    guard let python = ReaderPython.path, !samples.isEmpty else { return }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/open_stores.py").path
    let read = try Program.run(python, [script] + samples.map { $0 + "/attention.zarr" })
    #expect(read.status == 0, "\(read.said)")
    print("opened in xarray and zarr: \(read.said)", terminator: "")
  }

  @Test(
    "A file that cannot grow ends the recording with its path, and keeps the calls before",
    arguments: [3_000, 5_000, 12_000])
  func fullDisk(_ largest: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let outcome = try Probe.run([path, "60", "process", "largest=\(largest)"])
    #expect(outcome.status == 74)
    let said = outcome.said.last ?? ""
    #expect(said.hasPrefix("cannot write \(path)/"))
    #expect(said.hasSuffix("File too large (errno 27)"))
    let run = SyntheticRun.complete(steps: 60)
    var tally = Tally()
    try Leftover(path: path, run: run)
      .check(acknowledged: Probe.acknowledged(outcome.said), &tally)
    #expect(tally.lost == 0)
    try run.record(into: RunFolder(path: path))
    try run.record(into: RunFolder(path: folder.path + "/whole"))
    #expect(
      try TemporaryFolder.contents(path) == TemporaryFolder.contents(folder.path + "/whole"))
  }

  @Test("A run that is read while it is written shows whole calls and whole chunks")
  func reading() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun.complete(steps: 24)
    var random = SeededNumbers(seed: UInt64(getpid()))
    var (reads, between, runs) = (0, 0, 0)
    let wanted = Torture.count(500, whole: 1000)
    while reads < wanted {
      runs += 1
      let path = folder.path + "/run-\(runs)"
      let started = try Probe.start([path, "24"])
      var known = 0
      while started.process.isRunning {
        guard FileManager.default.fileExists(atPath: path + "/run.json") else { continue }
        let read = try RecordedRun(path)
        #expect(read.calls.count >= known)
        known = read.calls.count
        guard let last = read.calls.last, let call = read.calls.randomElement(using: &random) else {
          continue
        }
        for call in [last, call] {
          for site in run.sites {
            let values = try read.maps(site.path, call: call.call)?.values
            #expect(values == run.maps(site, call: call.call).map { Float(Float16($0)) })
          }
        }
        try checkCoordinates(path + "/attention.zarr")
        reads += 1
        if read.calls.count < run.calls { between += 1 }
      }
      #expect(Probe.wait(for: started).status == 0)
      try FileManager.default.removeItem(atPath: path)
    }
    #expect(between > reads / 2)
    print("reads of runs being written: \(reads), torn chunks: 0")
  }

  /// Checks the chunks of coordinates, which are replaced with each call.
  private func checkCoordinates(_ store: String) throws {
    for name in ["step", "timestep", "branch", "phase", "attempt", "loss"] {
      let chunk = try bytes("\(store)/\(name)/c.0")
      let own = chunk.suffix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
      #expect(own == referenceChecksum(chunk.dropLast(4)), "\(name)")
    }
  }

  @Test("Recording a thousand calls takes no more memory than recording a hundred")
  func memory() throws {
    let folder = try TemporaryFolder()
    let outcome = try Probe.run([folder.path + "/run", "333", "memory"])
    #expect(outcome.status == 0)
    let resident = outcome.said.compactMap { line -> (calls: Int, bytes: Int)? in
      let fields = line.split(separator: " ").compactMap { Int($0) }
      return fields.count == 2 ? (fields[0], fields[1]) : nil
    }
    let first = try #require(resident.first { $0.calls >= 100 })
    let last = try #require(resident.last)
    #expect(last.calls > 990)
    // An allocator's pages come and go; keeping the maps of the calls between would take a megabyte.
    #expect(last.bytes - first.bytes < 256 << 10, "\(first) \(last)")
    print("resident at call \(first.calls): \(first.bytes), at call \(last.calls): \(last.bytes)")
  }
}
