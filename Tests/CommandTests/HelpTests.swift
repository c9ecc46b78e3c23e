import Foundation
import TestSupport
import Testing

/// Texts that people and programs rely on, against files under `Fixtures/help`.
///
/// With `HEED_RECORD_HELP` set, the files are written anew and the test fails, so that a recording
/// is never taken for a check.
@Suite("Help")
struct HelpTests {
  @Test(
    "A help page is the one that was read and approved",
    arguments: [
      "heed", "compare", "generate", "sweep", "explain", "tokens", "ls", "config", "pack", "sheet",
      "report", "export",
      "verify-export", "import", "analyze", "causal", "check", "verify", "model", "benchmark",
      "benchmark run", "benchmark score", "benchmark table", "benchmark submit",
      "benchmark figure", "benchmark report",
      "benchmark export", "benchmark import", "benchmark engine", "study", "study make",
      "study tally",
    ])
  func page(_ name: String) throws {
    let folder = try TemporaryFolder()
    let subcommand = name == "heed" ? [] : name.split(separator: " ").map(String.init)
    let arguments = subcommand + ["--help"]
    let result = try HeedProcess.run(arguments, in: folder.path)
    #expect(result.status == 0)
    #expect(result.stderr.isEmpty)
    let file = URL(
      fileURLWithPath: Repository.fixtures + "/help/\(name.replacing(" ", with: "-")).txt")
    if ProcessInfo.processInfo.environment["HEED_RECORD_HELP"] != nil {
      try Data(result.stdout.utf8).write(to: file)
      Issue.record("recorded \(file.lastPathComponent); run again without HEED_RECORD_HELP")
    }
    #expect(result.stdout == String(decoding: try Data(contentsOf: file), as: UTF8.self))
    #expect(result.stdout.split(separator: "\n").allSatisfy { $0.count <= 110 })
  }

  @Test(
    "A usage error names the help page of its own command",
    arguments: [
      (["benchmark", "submit"], "benchmark submit"),
      (["benchmark", "submit", "--slurm", "--cpus", "0"], "benchmark submit"),
      (["benchmark", "submit", "--slurm", "--shard", "x"], "benchmark submit"),
      (["benchmark", "run", "--shard", "x"], "benchmark run"),
      (["benchmark", "table", "--nothing"], "benchmark table"), (["sheet", "--nothing"], "sheet"),
    ])
  func hint(_ arguments: [String], _ command: String) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(arguments, in: folder.path)
    expectRefusal(result, 64, ["See 'heed \(command) --help'"])
  }

  @Test("Without arguments the command shows its help")
  func noArguments() throws {
    let folder = try TemporaryFolder()
    let bare = try HeedProcess.run([], in: folder.path)
    #expect(bare.status == 0)
    #expect(bare.stdout == (try HeedProcess.run(["--help"], in: folder.path)).stdout)
  }

  @Test("The version is a version, with the commit that was built and the instruction set")
  func version() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(["--version"], in: folder.path)
    #expect(result.status == 0)
    let form =
      /[0-9]+\.[0-9]+\.[0-9]+ \(commit (unknown|[0-9a-f]{7,}(-dirty)?), (AMX|AVX-512|AVX2|baseline)\)\n/
    #expect(result.stdout.wholeMatch(of: form) != nil, "\(result.stdout)")
  }

  @Test("HEED_ISA chooses the kernels, and one that the machine lacks is refused")
  func instructionSet() throws {
    let folder = try TemporaryFolder()
    func version(_ set: String) throws -> HeedProcess.Result {
      try HeedProcess.run(["--version"], in: folder.path, environment: ["HEED_ISA": set])
    }
    #expect(try version("baseline").stdout.hasSuffix(", baseline)\n"))
    #expect(try version("split").stdout.hasSuffix(", split bfloat16)\n"))
    for wrong in ["AVX2", "sse9", ""] {
      expectRefusal(try version(wrong), 64, ["HEED_ISA is '\(wrong)'", "baseline"])
    }
  }

  @Test("A checkpoint's description is JSON", arguments: [[], [Repository.tinyModel]])
  func modelJSON(_ folders: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(["model", "--json"] + folders, in: folder.path)
    #expect(result.status == 0)
    #expect(result.stderr.isEmpty)
    let document = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8))
    let facts = try #require(document as? [String: Any])
    let sites = try #require(facts["sites"] as? [[String: Any]])
    #expect(!sites.isEmpty)
    #expect(facts["tokens"] as? Int == 77)
    let plain = try HeedProcess.run(["model"] + folders, in: folder.path)
    for site in sites {
      let path = try #require(site["path"] as? String)
      #expect(plain.stdout.contains("\n\(path) "))
    }
  }
}
