import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("Limits on memory")
struct MemoryLimitTests {
  private static let generate = [
    "generate", "a cat and a frog", "--steps", "2", "--method", "attend-and-excite",
    "-o", "runs",
  ]

  /// Runs the command with at most `mebibytes` of addresses.
  private func run(
    _ arguments: [String], mebibytes: Int, in folder: String, threads: Int = 2
  ) throws -> HeedProcess.Result {
    try HeedProcess.run(
      arguments, in: folder, environment: ["HEED_THREADS": "\(threads)"],
      shell: "ulimit -v \(mebibytes << 10); exec timeout -s KILL 60 \"$@\"")
  }

  /// The number of mebibytes that a message says are needed.
  private func needed(_ message: String) throws -> Int {
    let words = message.split(separator: " ").map(String.init)
    let place = try #require(words.firstIndex(of: "needs"), "\(message)")
    return try #require(Int(words[place + 1]), "\(message)")
  }

  @Test(
    "A run that needs more addresses than there are is refused with the number that it needs, and runs with it"
  )
  func addresses() throws {
    let folder = try TemporaryFolder()
    var need = 0
    for mebibytes in stride(from: 120, through: 200, by: 8) {
      let result = try run(Self.generate, mebibytes: mebibytes, in: folder.path)
      if result.stderr.contains(" needs ") {
        need = try needed(result.stderr)
        break
      }
      expectEnd(result)
    }
    #expect(need > 0)
    let limits = (0..<8).map { 64 + $0 * (need - 1 - 64) / 7 }
    for mebibytes in limits {
      let result = try run(Self.generate, mebibytes: mebibytes, in: folder.path)
      expectEnd(result)
      #expect(
        !FileManager.default.fileExists(atPath: folder.path + "/runs"), "\(mebibytes) MiB")
    }
    let last = try run(Self.generate, mebibytes: need - 1, in: folder.path)
    expectRefusal(
      HeedProcess.Result(
        status: last.status, stdout: "", stderr: String(last.messages.last ?? "") + "\n"), 71,
      ["128x128", "\(need) MiB", "ulimit -v"])
    let enough = try run(Self.generate, mebibytes: need, in: folder.path)
    #expect(enough.status == 0, "\(enough.stderr)")
  }

  @Test(
    "Other commands end with one line and 71 where memory is short, never by a signal or never at all",
    arguments: [
      ["model"], ["sheet", "runs"], ["export", "runs", "-o", "e"],
      ["compare", "a cat and a frog", "--steps", "1"],
    ])
  func otherCommands(_ arguments: [String]) throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.generate, in: folder.path).status == 0)
    for mebibytes in stride(from: 105, through: 195, by: 18) {
      try? FileManager.default.removeItem(atPath: folder.path + "/e")
      expectEnd(try run(arguments, mebibytes: mebibytes, in: folder.path))
    }
  }

  /// Checks that a process did its work, or ended for want of memory and said so.
  ///
  /// Below some 120 MiB the loader finds no room for the libraries, and ends it with 127.
  private func expectEnd(_ result: HeedProcess.Result) {
    #expect([0, 71, 127].contains(result.status), "\(result.status) \(result.stderr)")
    if result.status == 127 {
      #expect(result.stderr.contains("error while loading shared libraries"))
    } else if result.status == 71 {
      let message = result.messages.last.map(String.init) ?? ""
      #expect(message.hasPrefix("heed: "))
      #expect(message.contains("memory"), "\(message)")
    }
  }

  @Test("--max-memory refuses what needs more, and takes what fits")
  func option() throws {
    let folder = try TemporaryFolder()
    let small = try HeedProcess.run(
      Self.generate + ["--max-memory", "16M"], in: folder.path, environment: ["HEED_THREADS": "2"])
    #expect(small.status == 71)
    #expect(small.stderr.contains("--max-memory is 16.0 MiB"), "\(small.stderr)")
    let need = try needed(small.stderr)
    let enough = try HeedProcess.run(
      Self.generate + ["--max-memory", "\(need + 8)MiB"], in: folder.path,
      environment: ["HEED_THREADS": "2"])
    #expect(enough.status == 0, "\(enough.stderr)")
    let odd = try HeedProcess.run(Self.generate + ["--max-memory", "much"], in: folder.path)
    #expect(odd.status == 64)
  }

  @Test("The smallest limit of a process's control groups counts, of either version")
  func groups() throws {
    let folder = try TemporaryFolder()
    func write(_ path: String, _ text: String) throws {
      let file = URL(fileURLWithPath: folder.path + "/" + path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    func limit() -> MemoryLimit? {
      MemoryLimit.ofGroups(process: folder.path + "/self", root: folder.path + "/fs")
    }
    #expect(limit() == nil)
    try write("self", "0::/job/task\n")
    #expect(limit() == nil)
    try write("fs/job/task/memory.max", "max\n")
    try write("fs/job/task/memory.current", "1000\n")
    #expect(limit() == nil)
    try write("fs/job/memory.max", "8000\n")
    try write("fs/job/memory.current", "3000\n")
    try write("fs/job/memory.stat", "anon 1000\ninactive_file 500\nactive_file 9\n")
    #expect(limit()?.left == 5500)
    #expect(limit()?.total == 8000)
    #expect(limit()?.name.hasSuffix("/fs/job/memory.max") == true)
    try write("self", "5:cpu,memory:/slurm\n1:cpuset:/\n")
    try write("fs/memory/slurm/memory.limit_in_bytes", "9223372036854771712\n")
    try write("fs/memory/slurm/memory.usage_in_bytes", "10\n")
    #expect(limit() == nil)
    try write("fs/memory/memory.limit_in_bytes", "600\n")
    try write("fs/memory/memory.usage_in_bytes", "700\n")
    #expect(limit()?.left == 0)
  }
}
