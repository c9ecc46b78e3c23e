import Foundation
import TestSupport
import Testing

/// Files that break one rule each, as `Fixtures/bad/make_bad_files.py` makes them.
@Suite("Bad files")
struct BadFileTests {
  /// How many cases a group must have at least; any other has fifteen.
  private static let required = [
    "safetensors": 40, "npy": 30, "npz": 25, "zarr": 30, "png": 20, "configurations": 25,
    "vocabularies": 15, "prompts": 24, "maps": 16, "weights": 12, "jpeg": 15, "webp": 15, "gif": 15,
    "shards": 15, "suites": 15, "results": 15, "answers": 15, "defaults": 15, "layouts": 15,
    "recorded": 15,
  ]

  /// The groups that there are, and how many cases the generator makes of each at least.
  private static let groups: [String: Int] = {
    let said = (try? python([scripts + "/make_bad_files.py", "--list"])) ?? ""
    let lines = said.split(separator: "\n").map { $0.split(separator: " ") }
    return Dictionary(uniqueKeysWithValues: lines.map { (String($0[0]), Int($0[1]) ?? 0) })
  }()

  /// How a case went, as `run_cases.py` prints it.
  private struct Outcome: Decodable {
    let name: String
    let command: String
    let stderr: String
    /// What is not as the case asks for it, a phrase each.
    let faults: [String]
  }

  private static let scripts = Repository.fixtures + "/bad"

  private static func python(_ arguments: [String]) throws -> String {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = arguments
    for name in ["stdout", "stderr"] { try folder.write(name, []) }
    process.standardOutput = FileHandle(forWritingAtPath: folder.path + "/stdout")
    process.standardError = FileHandle(forWritingAtPath: folder.path + "/stderr")
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(folder.text("stderr"))")
    return folder.text("stdout")
  }

  @Test("Every group of bad files is tried, and has as many cases as it shall")
  func counts() {
    for (group, least) in Self.required {
      #expect(Self.groups[group, default: 0] >= least, "\(group)")
    }
    for (group, least) in Self.groups where Self.required[group] == nil {
      #expect(least >= 15, "\(group)")
    }
  }

  @Test(
    "A bad file is refused in one line that names the rule, at little cost, and nothing is written",
    arguments: groups.keys.sorted())
  func refused(_ group: String) throws {
    let folder = try TemporaryFolder()
    _ = try Self.python([Self.scripts + "/make_bad_files.py", folder.path, group])
    let answer = try Self.python(
      [Self.scripts + "/run_cases.py", try HeedProcess.executable, folder.path])
    let outcomes = try JSONDecoder().decode([Outcome].self, from: Data(answer.utf8))
    for outcome in outcomes where !outcome.faults.isEmpty {
      Issue.record(
        """
        \(outcome.name): \(outcome.faults.joined(separator: "; "))
        $ heed \(outcome.command)
        \(outcome.stderr)
        """)
    }
    #expect(outcomes.count >= Self.groups[group, default: 1])
    print("bad inputs tried: \(outcomes.count) named (\(group))")
  }

  @Test("HEED_LIMITS allows less and more, and what it cannot mean is refused")
  func limits() throws {
    let folder = try TemporaryFolder()
    func read(_ limits: String) throws -> HeedProcess.Result {
      let files = Repository.fixtures + "/import"
      return try HeedProcess.run(
        [
          "import", "\(files)/maps.npz", "--axes", "step,head,row,column,token", "--tokens",
          "\(files)/tokens.json", "--subjects", "cat",
        ], in: folder.path, environment: ["HEED_LIMITS": limits])
    }
    expectRefusal(
      try read("members=1"), 65, ["maps.npz", "at most 1 members", "HEED_LIMITS=members"])
    for wrong in ["", "members", "size=1", "members=0", "members=1T", "members=9999999999999G"] {
      expectRefusal(try read(wrong), 64, ["HEED_LIMITS is '\(wrong)'"])
    }
    let result = try read("members=2K,chunk=4G")
    #expect(result.status == 0, "\(result.stderr)")
  }
}
