import AttentionTrace
import Foundation
import Glibc
import RecordingProbe
import TestSupport
import Testing

@Suite(
  "Locks of runs, and file systems of a network",
  .enabled(if: FaultyCalls.library != nil, "clang makes the calls of the system fail"))
struct RunLockTests {
  private static let run = SyntheticRun.complete(steps: 3)

  /// The files of a run that was made without faults.
  private static func expected() throws -> [String: Data] {
    let folder = try TemporaryFolder()
    try run.record(into: RunFolder(path: folder.path + "/run"))
    return try TemporaryFolder.contents(folder.path + "/run")
  }

  /// Writes a lock file as this machine's processes do.
  private static func lock(_ path: String, _ changes: [String: Any]) throws {
    func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let numbers = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
    let own: [String: Any] = [
      "host": String(
        decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
      "process": Int(getpid()), "numbers": numbers, "began": "",
      "boot": try read("/proc/sys/kernel/random/boot_id").trimmingCharacters(in: .newlines),
      "isByExistence": true,
    ]
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try overwrite(
      path + "/.lock",
      JSONSerialization.data(withJSONObject: own.merging(changes) { $1 }, options: .sortedKeys))
  }

  /// The number of a process that has ended.
  private static func ended() throws -> Int {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    return Int(process.processIdentifier)
  }

  @Test(
    "Where flock is not supported a run is made all the same, and leaves no lock",
    arguments: [ENOLCK, ENOSYS, EOPNOTSUPP, EBADF])
  func unsupported(_ code: Int32) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let result = try Probe.run([path, "3"], faults: ["FAULT_FLOCK": "\(code)"])
    #expect(result.status == 0, "\(result.said)")
    #expect(try TemporaryFolder.contents(path) == Self.expected())
  }

  @Test(
    "Where flock works on files that are open for writing alone, it is used, and keeps others out")
  func writing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let faults = ["FAULT_FLOCK_READ": "\(EBADF)"]
    guard
      case .fresh(let writer) = try RunWriter.open(RunFolder(path: path), for: Self.run.manifest)
    else {
      Issue.record("not fresh")
      return
    }
    #expect(writer.lockNotice == nil)
    let refused = try Probe.run([path, "3"], faults: faults)
    #expect(refused.status == 74)
    #expect(refused.said.count == 1)
    #expect(refused.said.last?.contains("another process: process \(getpid()) on ") == true)
    withExtendedLifetime(writer) {}
  }

  @Test("Of processes that begin the same run at once one makes it, and the others say who does")
  func together() throws {
    for faults in [[:], ["FAULT_FLOCK": "\(ENOLCK)"]] {
      for _ in 0..<Torture.count(2, whole: 50) {
        let folder = try TemporaryFolder()
        let path = folder.path + "/run"
        let started = try (0..<4).map { _ in try Probe.start([path, "3"], faults: faults) }
        let results = started.map(Probe.wait)
        #expect(results.contains { $0.status == 0 })
        let host = ProcessInfo.processInfo.hostName
        for result in results where result.status != 0 {
          let line = result.said.last ?? ""
          #expect(line.contains(path + " is "), "\(line)")
          #expect(
            started.contains {
              line.contains("process \($0.process.processIdentifier) on \(host)")
            },
            "\(line)")
        }
        let files = try TemporaryFolder.contents(path)
        #expect(try files == Self.expected())
      }
    }
  }

  @Test("A lock of a process that died on this machine is taken over, whether flock works or not")
  func deadProcess() throws {
    for faults in [[:], ["FAULT_FLOCK": "\(EOPNOTSUPP)"]] {
      let folder = try TemporaryFolder()
      let path = folder.path + "/run"
      let killed = try Probe.run(
        [path, "3"], faults: faults.merging(["FAULT_KILL": "40"]) { $1 })
      #expect(killed.status == -SIGKILL)
      #expect(FileManager.default.fileExists(atPath: path + "/.lock"))
      let result = try Probe.run([path, "3"], faults: faults)
      #expect(result.status == 0, "\(result.said)")
      #expect(try TemporaryFolder.contents(path) == Self.expected())
    }
  }

  @Test("A process whose number was given to another has ended")
  func reusedNumber() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    try Self.lock(path, ["began": "1"])
    let result = try Probe.run([path, "3"], faults: ["FAULT_FLOCK": "\(ENOLCK)"])
    #expect(result.status == 0, "\(result.said)")
  }

  @Test(
    "A lock whose process cannot be asked is told with its holder and what to do, and stays",
    arguments: ["host", "boot", "numbers", "process", "nothing", "damaged"])
  func notCertain(_ kind: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let changes: [String: [String: Any]] = [
      "host": ["host": "node\u{1B}7", "process": try Self.ended()],
      "boot": ["boot": "another", "process": try Self.ended()],
      "numbers": ["numbers": "pid:[1]", "process": try Self.ended()],
      "process": ["process": -1],
    ]
    try Self.lock(path, changes[kind] ?? [:])
    if kind == "nothing" { try overwrite(path + "/.lock", []) }
    if kind == "damaged" { try overwrite(path + "/.lock", "{\"host\": 3".utf8) }
    let before = try bytes(path + "/.lock")
    let result = try Probe.run([path, "3"], faults: ["FAULT_FLOCK": "\(ENOSYS)"])
    #expect(result.status == 74)
    #expect(result.said.count == 1)
    #expect(result.said.last?.contains("\(path)/.lock") == true, "\(result.said)")
    #expect(result.said.last?.contains("remove the file and try again") == true)
    if kind == "host" { #expect(result.said.last?.contains("on node") == true) }
    #expect(try bytes(path + "/.lock") == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [".lock"])
    try FileManager.default.removeItem(atPath: path + "/.lock")
    #expect(try Probe.run([path, "3"], faults: ["FAULT_FLOCK": "\(ENOSYS)"]).status == 0)
  }

  @Test("Of another machine's name the holder is told by it")
  func otherHost() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let faults = ["FAULT_FLOCK": "\(ENOLCK)", "FAULT_HOST": "node7"]
    let killed = try Probe.run([path, "3"], faults: faults.merging(["FAULT_KILL": "40"]) { $1 })
    #expect(killed.status == -SIGKILL)
    let refused = try Probe.run([path, "3"], faults: ["FAULT_FLOCK": "\(ENOLCK)"])
    #expect(refused.status == 74)
    #expect(refused.said.last?.contains(" on node7 in ") == true, "\(refused.said)")
  }

  @Test(
    "A rename or a close that fails ends the run with the file's path, and it goes on to the same bytes",
    arguments: [
      ("FAULT_RENAME", ESTALE, "run.json"), ("FAULT_RENAME", ESTALE, "zarr.json"),
      ("FAULT_RENAME", ESTALE, "c.2.0.0.0.0"), ("FAULT_RENAME", ESTALE, "losses.csv"),
      ("FAULT_CLOSE", EDQUOT, "calls.jsonl"), ("FAULT_CLOSE", EDQUOT, "/step/.tmp"),
      ("FAULT_CLOSE", EDQUOT, "/loss/.tmp"), ("FAULT_CLOSE", EDQUOT, ".tmp"),
    ])
  func failingCalls(_ fault: String, _ code: Int32, _ name: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let failed = try Probe.run([path, "3"], faults: [fault: "\(code):\(name)"])
    #expect(failed.status == 74)
    let line = failed.said.last ?? ""
    #expect(line.contains("errno \(code)") && line.contains(path), "\(failed.said)")
    if !name.hasSuffix(".tmp") { #expect(line.contains(name)) }
    if let run = try? RecordedRun(path) { #expect(run.manifest.status != .complete) }
    let result = try Probe.run([path, "3"])
    #expect(result.status == 0, "\(result.said)")
    #expect(try TemporaryFolder.contents(path) == Self.expected())
  }
}
