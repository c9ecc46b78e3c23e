import AttentionAnalysis
import Foundation
import TestSupport
import Testing

/// Folders that hold more than fits together: what is taken, and what is said of the rest.
@Suite("Folders with more than fits together")
struct FolderChoiceTests {
  /// Two prompts, three methods, two numbers of steps, a damaged run, and one without maps.
  static let made: Result<TemporaryFolder, any Error> = Result {
    let folder = try TemporaryFolder()
    let cat = ["a cat and a frog", "--steps", "2"]
    let orders = [
      ["compare"] + cat + ["--seeds", "0,1"],
      ["generate"] + cat + ["--method", "conform"],
      ["generate"] + cat + ["--seeds", "2", "--method", "stable-diffusion"],
      ["generate"] + cat + ["--seeds", "5", "--method", "stable-diffusion", "--no-record"],
      ["generate", "a dog and a cat", "--steps", "2"],
      ["generate", "a cat and a frog", "--steps", "1", "-o", "runs/short"],
      ["generate", "a bird and a cat", "--steps", "1"],
    ]
    for arguments in orders {
      let result = try HeedProcess.run(arguments, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
    }
    try folder.write(damaged + "/run.json", "{".utf8)
    return folder
  }

  private static let damaged = "runs/a-bird-and-a-cat/attend-and-excite/seed-0"
  private static let cat = "runs/a-cat-and-a-frog"

  @Test(
    "A folder's largest group is taken, and a line for each reason counts what was left out",
    arguments: [
      (
        ["sheet", "-o", "compare.pdf"],
        [
          "left out 1 run (cannot be read): runs/a-bird-and-a-cat/attend-and-excite/seed-0/run.json",
          "left out 1 run (methods with too few seeds): runs/a-cat-and-a-frog/conform/seed-0",
          "left out 1 run (seeds without a run of every method): "
            + "runs/a-cat-and-a-frog/stable-diffusion/seed-2",
          "left out 1 run (no maps recorded): runs/a-cat-and-a-frog/stable-diffusion/seed-5",
          "left out 1 run (prompts differ): runs/a-dog-and-a-cat/attend-and-excite/seed-0",
          "left out 1 run (timesteps differ): runs/short/",
        ]
      ),
      (
        ["sheet", "--layout", "difference", "-o", "difference.pdf"],
        [
          "(cannot be read)", "(no maps recorded)", "(prompts differ)", "(timesteps differ)",
        ]
      ),
      (
        ["report", "-o", "report.html"], ["(cannot be read)"]
      ),
      (
        ["export", "-o", "export"],
        [
          "(cannot be read)", "(no maps recorded)", "(different prompts)",
          "(the selected calls differ)",
        ]
      ),
    ])
  func folder(_ example: (arguments: [String], reasons: [String])) throws {
    let folder = try Self.made.get()
    let result = try HeedProcess.run(example.arguments + ["runs"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let said = result.messages.filter { $0.hasPrefix("heed: left out ") }
    #expect(said.count == example.reasons.count, "\(result.stderr)")
    for reason in example.reasons {
      #expect(said.contains { $0.contains(reason) }, "\(reason) in \(result.stderr)")
    }
  }

  @Test(
    "The same is chosen in whatever order folders are given",
    arguments: [["report", "-o", "order.html"], ["export", "--overwrite", "-o", "order"]])
  func order(_ arguments: [String]) throws {
    let folder = try Self.made.get()
    let parts = ["runs/short", "runs/a-dog-and-a-cat", Self.cat]
    let first = try HeedProcess.run(arguments + parts, in: folder.path)
    let second = try HeedProcess.run(arguments + parts.reversed(), in: folder.path)
    #expect(first.status == 0 && second.status == 0, "\(first.stderr)")
    #expect(first.stdout == second.stdout)
    #expect(Set(first.messages) == Set(second.messages))
  }

  @Test(
    "Runs that are named one by one are never left out: the error names the one at fault",
    arguments: [
      ["sheet", "-o", "named.pdf"], ["export", "-o", "named"],
    ])
  func named(_ arguments: [String]) throws {
    let folder = try Self.made.get()
    let runs = [
      Self.cat + "/attend-and-excite/seed-0", Self.cat + "/stable-diffusion/seed-0",
      "runs/a-dog-and-a-cat/attend-and-excite/seed-0",
    ]
    let result = try HeedProcess.run(arguments + runs, in: folder.path)
    #expect(result.status == 65)
    let error = try #require(result.messages.last)
    #expect(error.contains("a-dog-and-a-cat") && error.contains("prompts"), "\(error)")
    let kept = try HeedProcess.run(arguments + [Self.damaged, Self.cat], in: folder.path)
    #expect(kept.status == 65)
    #expect(kept.messages.last?.contains(Self.damaged) == true, "\(kept.stderr)")
  }

  @Test("A folder of which nothing can be shown is refused with a run's name")
  func empty() throws {
    let folder = try Self.made.get()
    for arguments in [["sheet", "-o", "empty.pdf"], ["report"], ["export", "-o", "empty"]] {
      expectRefusal(
        try HeedProcess.run(arguments + ["runs/a-bird-and-a-cat"], in: folder.path), 65,
        [Self.damaged])
      let unrecorded = try HeedProcess.run(
        arguments + [Self.cat + "/stable-diffusion/seed-5"], in: folder.path)
      #expect(unrecorded.status != 0 && unrecorded.stderr.contains("seed-5"))
    }
  }

  // MARK: - heed ls

  @Test("ls tells of each run how far it is, and its verdict")
  func list() throws {
    let folder = try Self.made.get()
    let result = try HeedProcess.run(["ls", "--json"], in: folder.path)
    #expect(result.status == 0 && result.stderr.isEmpty, "\(result.stderr)")
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [[String: Any]])
    #expect(rows.count == 10)
    #expect(rows.compactMap { $0["state"] as? String }.filter { $0 == "complete" }.count == 9)
    for row in rows {
      let path = try #require(row["run"] as? String)
      let size = try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/" + path)
        .reduce(0) { sum, name in
          let file = try FileManager.default.attributesOfItem(
            atPath: "\(folder.path)/\(path)/\(name)")
          return file[.type] as? FileAttributeType == .typeRegular
            ? sum + (file[.size] as? Int ?? 0) : sum
        }
      #expect(row["bytes"] as? Int == size, "\(path)")
      if path == Self.damaged {
        #expect(row["state"] as? String == "damaged")
        #expect((row["problem"] as? String)?.contains("run.json") == true)
      } else {
        #expect((row["verdicts"] as? [String: String])?["cat"] != nil)
      }
    }
    let plain = try HeedProcess.run(["ls", "runs"], in: folder.path).stdout
    #expect(plain.split(separator: "\n").count == 11)
    #expect(plain.contains("Attend-and-Excite") && plain.contains("damaged"))
  }

  @Test("ls tells how many steps an interrupted run has")
  func partial() throws {
    let folder = try TemporaryFolder()
    let process = try HeedProcess(
      ["generate", "a cat and a frog", "--layers", "*"], in: folder.path)
    let journal = "runs/a-cat-and-a-frog/attend-and-excite/seed-0/calls.jsonl"
    for _ in 0..<6000 where folder.bytes(journal).isEmpty { usleep(10_000) }
    process.send(SIGINT)
    _ = process.wait()
    let result = try HeedProcess.run(["ls"], in: folder.path)
    #expect(result.stdout.contains(#/[0-9]+ of 50 steps/#), "\(result.stdout)")
  }

  @Test("Lines of ls fit a terminal", arguments: [40, 60, 80, 120, 200])
  func width(_ columns: Int) throws {
    let listing = try RunListing(try Self.made.get().path)
    let lines = listing.text(columns: columns).split(separator: "\n")
    #expect(lines.count == 11)
    #expect(lines.allSatisfy { $0.count <= columns }, "\(lines)")
  }

  @Test("ls of a folder without runs is refused")
  func none() throws {
    let folder = try TemporaryFolder()
    try folder.write("empty/file", [])
    expectRefusal(try HeedProcess.run(["ls", "empty"], in: folder.path), 66, ["empty", "no run"])
  }
}
