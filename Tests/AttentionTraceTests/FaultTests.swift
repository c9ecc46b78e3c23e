import AttentionTrace
import Foundation
import Glibc
import RecordingProbe
import TestSupport
import Testing

@Suite("Recordings whose calls of the system fail")
struct FaultTests {
  /// Three calls: a look, and both branches of the prediction.
  private static let run = {
    var run = SyntheticRun.complete(steps: 1)
    run.tries = 0
    return run
  }()

  private static func arguments(_ path: String, _ durability: Durability) -> [String] {
    [path, "1", durability.rawValue, "tries=0"]
  }

  /// The files of a recording that was left alone.
  private static let whole: Result<[String: Data], any Error> = Result {
    let folder = try TemporaryFolder()
    try run.record(into: RunFolder(path: folder.path + "/run"))
    return try TemporaryFolder.contents(folder.path + "/run")
  }

  /// The calls that a recording makes to change files, and the mode in which it makes them.
  private static let calls: [(name: String, durability: Durability)] = [
    ("openat", .process), ("write", .process), ("pwrite64", .process), ("ftruncate", .process),
    ("close", .process), ("unlinkat", .process), ("mkdir", .process), ("mkdirat", .process),
    ("renameat2", .process), ("renameat", .power), ("fsync", .power), ("fdatasync", .power),
  ]

  private static let errors: [(name: String, number: Int32)] = [
    ("ENOSPC", ENOSPC), ("EIO", EIO), ("EDQUOT", EDQUOT), ("EINTR", EINTR),
  ]

  /// How often each call is made from each moment on.
  private static let counts: Result<[Durability: [SyntheticRun.Moment: [String: Int]]], any Error> =
    Result {
      var counts: [Durability: [SyntheticRun.Moment: [String: Int]]] = [:]
      for durability in Durability.allCases {
        for moment in SyntheticRun.Moment.allCases {
          let folder = try TemporaryFolder()
          counts[durability, default: [:]][moment] = try Tracer.counts(
            arguments(folder.path + "/run", durability), from: moment)
        }
      }
      return counts
    }

  /// The first thirty of a call, as far as there are: ten from each moment on.
  private func places(
    _ call: String, _ durability: Durability
  ) throws -> [(moment: SyntheticRun.Moment, occurrence: Int)] {
    let counts = try Self.counts.get()[durability, default: [:]]
    return SyntheticRun.Moment.allCases.flatMap { moment in
      (0..<min(10, counts[moment]?[call] ?? 0)).map { (moment, $0 + 1) }
    }
  }

  @Test(
    "An error at any call of the system ends a recording with its path and number, or is survived",
    .enabled(if: Tracer.isPossible, "strace cannot attach here"), arguments: calls)
  func errors(_ call: String, _ durability: Durability) throws {
    var tally = Tally()
    var survived = 0
    let places = try places(call, durability)
    // Not every machine has the older call.
    #expect(!places.isEmpty || call == "mkdir")
    let faults = places.flatMap { place in
      Self.errors.flatMap { error in
        [false, true].map {
          Tracer.Fault(
            call: call, effect: .error(error.name, error.number), occurrence: place.occurrence,
            isPersistent: $0, moment: place.moment)
        }
      }
    }
    // More than every tenth. Of eight faults at each place: a share that has no factor in common with it, as ten
    // has, meets all of them.
    for fault in Torture.part(of: faults, oneIn: 9) {
      if try fails(fault, durability, &tally) == 0 { survived += 1 }
    }
    #expect(tally.lost == 0)
    tally.say("errors of \(call), \(survived) survived")
  }

  /// Records with a fault, holds what is left to what was said, and resumes.
  /// - Returns: How the recording ended.
  private func fails(
    _ fault: Tracer.Fault, _ durability: Durability, _ tally: inout Tally
  ) throws -> Int32 {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let arguments = Self.arguments(path, durability)
    let (outcome, wasHit) = try Tracer.record(arguments, tampering: fault)
    let said: Comment = "\(fault) from \(fault.moment): \(outcome.status) \(outcome.said)"
    guard wasHit else { return outcome.status }
    let before = tally.lost
    try Leftover(path: path, run: Self.run)
      .check(acknowledged: Probe.acknowledged(outcome.said), &tally)
    #expect(tally.lost == before, said)
    switch fault.effect {
    case .kill:
      tally.kills += 1
      #expect(outcome.status == -SIGKILL, said)
    case .error(_, let number):
      tally.faults += 1
      #expect([0, 74].contains(outcome.status), said)
      if outcome.status == 74 {
        let line = outcome.said.last ?? ""
        #expect(line.contains(path) && line.hasSuffix("(errno \(number))"), said)
      } else {
        // Of what the disk did not take nothing is claimed.
        #expect(!fault.call.hasSuffix("sync"), said)
        // A lock that could not be removed is taken over by the next process.
        let made = try TemporaryFolder.contents(path).filter { $0.key != ".lock" }
        #expect(try made == Self.whole.get(), said)
      }
    }
    let resumed = try Probe.run(Self.arguments(path, .process))
    #expect(resumed.status == 0, "\(said) \(resumed.said)")
    #expect(try TemporaryFolder.contents(path) == Self.whole.get(), said)
    return outcome.status
  }

  @Test(
    "A kill at any call of the system loses nothing that was acknowledged",
    .enabled(if: Tracer.isPossible, "strace cannot attach here"), arguments: calls)
  func kills(_ call: String, _ durability: Durability) throws {
    var tally = Tally()
    let faults = try places(call, durability).map {
      Tracer.Fault(
        call: call, effect: .kill, occurrence: $0.occurrence, isPersistent: false,
        moment: $0.moment)
    }
    for fault in Torture.part(of: faults, oneIn: 10) { _ = try fails(fault, durability, &tally) }
    #expect(tally.lost == 0)
    tally.say("kills at \(call)")
  }

  @Test(
    "Writes that take less than they are given, or are interrupted, change no byte",
    .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"),
    arguments: [1, 7, 300], Durability.allCases)
  func shortWrites(_ most: Int, _ durability: Durability) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let result = try Probe.run(
      Self.arguments(path, durability), faults: ["FAULT_SHORT": "\(most)", "FAULT_INTERRUPT": "3"])
    #expect(result.status == 0, "\(result.said)")
    #expect(try TemporaryFolder.contents(path) == Self.whole.get())
  }

  @Test(
    "A disk that takes a part of a write and then nothing keeps the calls before",
    .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"))
  func fullDisk() throws {
    let run = SyntheticRun.complete(steps: 6)
    let wholePath = try TemporaryFolder()
    try run.record(into: RunFolder(path: wholePath.path + "/run"))
    let whole = try TemporaryFolder.contents(wholePath.path + "/run")
    var tally = Tally()
    let most = 3 * whole.values.reduce(0) { $0 + $1.count } / 2
    for room in stride(from: 100, to: most, by: most / Torture.count(6, whole: 60)) {
      let folder = try TemporaryFolder()
      let path = folder.path + "/run"
      let result = try Probe.run([path, "6"], faults: ["FAULT_ROOM": "\(room)"])
      if result.status == 0 { break }
      tally.faults += 1
      #expect(result.status == 74)
      let line = result.said.last ?? ""
      #expect(line.contains(path) && line.hasSuffix("(errno \(ENOSPC))"), "\(result.said)")
      try Leftover(path: path, run: run)
        .check(acknowledged: Probe.acknowledged(result.said), &tally)
      #expect(try Probe.run([path, "6"]).status == 0)
      #expect(try TemporaryFolder.contents(path) == whole)
    }
    #expect(tally.faults > 3)
    #expect(tally.lost == 0)
    tally.say("writes that were cut short by a full disk")
  }

  @Test(
    "A real file system of any size that is too small keeps the calls before, and with room the run goes on",
    .enabled(if: SmallDisk.isPossible, "mounting a small file system needs root"))
  func smallDisks() throws {
    let steps = 20
    let run = SyntheticRun.complete(steps: steps)
    let large = try SmallDisk(kibibytes: 65_536)
    try run.record(into: RunFolder(path: large.path + "/run"))
    let whole = try TemporaryFolder.contents(large.path + "/run")
    let need = large.used >> 10
    var tally = Tally()
    let sizes = Torture.count(6, whole: 20)
    for place in 0..<sizes {
      // The last one lacks a page.
      let kibibytes = 64 + (need - 4 - 64) * place / (sizes - 1)
      let disk = try SmallDisk(kibibytes: kibibytes)
      let path = disk.path + "/run"
      let result = try Probe.run([path, "\(steps)"])
      tally.faults += 1
      #expect(result.status == 74, "\(kibibytes) of \(need): \(result.said.suffix(2))")
      let line = result.said.last ?? ""
      #expect(line.contains(path) && line.hasSuffix("(errno \(ENOSPC))"), "\(result.said)")
      let before = tally.checked
      try Leftover(path: path, run: run)
        .check(acknowledged: Probe.acknowledged(result.said), &tally)
      if place == sizes - 1 { #expect(tally.checked - before > 20) }
      try disk.resize(kibibytes: 65_536)
      #expect(try Probe.run([path, "\(steps)"]).status == 0)
      #expect(try TemporaryFolder.contents(path) == whole)
    }
    #expect(tally.lost == 0)
    tally.say("file systems that were too small")
  }
}
