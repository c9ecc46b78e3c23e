import Foundation
import TestSupport
import Testing

/// `heed pack`, and every command that reads runs on what it makes.
@Suite("heed pack")
struct PackCommandTests {
  private static let prompt = "a cat and a frog"
  private static let arguments = ["compare", prompt, "--steps", "5", "--seeds", "0..1"]
  private static let tree = "runs/a-cat-and-a-frog"
  private static let run = tree + "/attend-and-excite/seed-0"

  /// Runs a command that must end well.
  @discardableResult
  private static func run(
    _ arguments: [String], in folder: TemporaryFolder
  ) throws -> HeedProcess.Result {
    let result = try HeedProcess.run(arguments, in: folder.path)
    #expect(result.status == 0, "\(arguments): \(result.stderr)")
    return result
  }

  /// The files of a folder by name.
  private static func files(_ name: String, in folder: TemporaryFolder) -> [String: [UInt8]] {
    let names = folder.names.filter { $0.hasPrefix(name + "/") }
    return Dictionary(uniqueKeysWithValues: names.map { ($0, folder.bytes($0)) })
  }

  @Test("Every command says and draws the same of packed runs, byte for byte")
  func sameResults() throws {
    let folder = try TemporaryFolder()
    try Self.run(Self.arguments + ["--layers", "*", "--queries", "16x16"], in: folder)
    let reports = ["neglect", "words", "statistics", "convergence", "mass", "heads", "outcome"]
    func results(_ name: String) throws -> [String] {
      var said = try reports.map { report in
        try Self.run(["analyze", "runs", "--report", report, "--csv"], in: folder).stdout
      }
      for arguments in [
        ["analyze", Self.run, "--ask", "dog"], ["ls", "runs"], ["check", "runs"],
        ["sheet", "runs", "--layout", "compare", "-o", name + "/compare.pdf"],
        ["sheet", Self.run, "--layout", "steps", "-o", name + "/steps.png"],
        ["report", "runs", "-o", name + "/report.html"],
        ["export", "runs", "-o", name + "/export", "--format", "zarr,npz,netcdf"],
      ] {
        let result = try Self.run(arguments, in: folder)
        // Sizes of files are what packing changes, and names of results are ours.
        if arguments[0] != "ls" {
          said.append(result.stdout.replacingOccurrences(of: name + "/", with: ""))
        }
      }
      return said
    }
    try folder.write("before/.keep", [])
    try folder.write("after/.keep", [])
    let before = try results("before")
    let packed = try Self.run(["pack", "runs"], in: folder)
    #expect(packed.stdout.split(separator: "\n").count == 4)
    #expect(try results("after") == before)
    let (old, new) = (Self.files("before", in: folder), Self.files("after", in: folder))
    #expect(old.count == new.count && old.count > 10)
    for (name, bytes) in old {
      #expect(new["after" + name.dropFirst(6)] == bytes, "\(name)")
    }
  }

  @Test(
    "A run of many files becomes one of at most 15, and the same files again by --undo",
    arguments: [[], ["--heads", "mean", "--record-tokens", "cat,frog"]])
  func counts(options: [String]) throws {
    let folder = try TemporaryFolder()
    try Self.run(["generate", Self.prompt] + options, in: folder)
    let before = Self.files("runs", in: folder).filter { !$0.value.isEmpty }
    #expect(before.count > 150)
    let packed = try Self.run(["pack", "runs"], in: folder)
    let after = Self.files("runs", in: folder).filter { !$0.value.isEmpty }
    #expect(after.count <= 15, "\(after.keys.sorted())")
    #expect(
      packed.stdout == "\(Self.run): \(before.count) files packed into \(after.count)\n")
    #expect(try Self.run(["pack", "runs"], in: folder).stdout == "\(Self.run): packed already\n")
    let undone = try Self.run(["pack", "--undo", Self.run], in: folder)
    #expect(undone.stdout == "\(Self.run): \(after.count) files unpacked to \(before.count)\n")
    #expect(Self.files("runs", in: folder).filter { !$0.value.isEmpty } == before)
  }

  @Test("With --pack runs are packed when they are complete, and so are those that were there")
  func whileRecording() throws {
    let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
    try Self.run(Self.arguments, in: folder)
    try Self.run(Self.arguments + ["--pack"], in: other)
    #expect(try Self.run(["check", "runs"], in: other).stdout.contains("0 problems"))
    try Self.run(Self.arguments + ["--pack"], in: folder)
    let stores = [folder, other].map { folder in
      Self.files("runs", in: folder).filter {
        $0.key.contains("/attention.zarr/") && !$0.value.isEmpty
      }
    }
    #expect(stores[0] == stores[1])
    #expect(stores[0].keys.count { $0.hasSuffix("/zarr.json") } == 4)
    // A packed run is left alone like any other, and another run in its folder refused.
    let again = try Self.run(Self.arguments, in: other)
    #expect(again.stderr.contains("complete in " + Self.run))
    let refused = try HeedProcess.run(Self.arguments + ["--guidance-scale", "3"], in: other.path)
    #expect(refused.status == 73)
  }

  @Test("Unfinished and damaged runs are refused by name and reason, and the others are packed")
  func refusals() throws {
    let folder = try TemporaryFolder()
    try Self.run(Self.arguments, in: folder)
    let manifest = Self.run + "/run.json"
    let text = folder.text(manifest)
    try folder.write(manifest, text.replacing("\"complete\"", with: "\"running\"").utf8)
    #expect(folder.text(manifest) != text)
    let journal = Self.tree + "/stable-diffusion/seed-1/calls.jsonl"
    try folder.write(journal, folder.text(journal).dropLast(200).utf8)
    let result = try HeedProcess.run(["pack", "runs"], in: folder.path)
    #expect(result.status == 65)
    #expect(result.stdout.split(separator: "\n").count == 2)
    #expect(result.messages.count == 3, "\(result.stderr)")
    #expect(result.stderr.contains("\(Self.run): stays as it is: the run is unfinished"))
    #expect(result.stderr.contains(journal))
    #expect(result.stderr.contains("2 of 4 runs not packed"))
    let alone = try HeedProcess.run(["pack", Self.run], in: folder.path)
    expectRefusal(alone, 65, [Self.run, "unfinished"])
    expectRefusal(
      try HeedProcess.run(["pack", "nowhere"], in: folder.path), 66, ["nowhere", "no run"])
  }

  @Test(
    "zarr-python, xarray and heed_reader read the same values of a packed run",
    .enabled(if: Readers.python != nil, "make readers installs them"))
  func readers() throws {
    let folder = try TemporaryFolder()
    for options in [
      ["--layers", "*,*attn1", "--phases", "denoise,loss,refinement", "--queries", "16x16"],
      [
        "--method", "stable-diffusion", "--branches", "conditional,unconditional", "--precision",
        "float32", "--heads", "1,3", "--record-tokens", "cat,frog", "--record-steps", "1..2",
      ],
    ] {
      try Self.run(["generate", Self.prompt, "--steps", "4"] + options, in: folder)
    }
    try FileManager.default.copyItem(
      atPath: folder.path + "/runs", toPath: folder.path + "/packed")
    try Self.run(["pack", "packed"], in: folder)
    let runs = ["attend-and-excite", "stable-diffusion"].map { "a-cat-and-a-frog/\($0)/seed-0" }
    let answer = try Readers.run(
      script: "/export/read_packed.py", runs.flatMap { ["runs/" + $0, "packed/" + $0] },
      in: folder.path)
    #expect(answer.status == 0, "\(answer.stderr)")
    for (count, what) in [(20, "arrays"), (25, "variables"), (10, "maps"), (20, "files")] {
      #expect(answer.counts[what, default: 0] >= count, "\(what): \(answer.stdout)")
    }
  }
}
