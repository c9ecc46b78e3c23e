import Foundation
import TestSupport
import Testing

/// Recordings of the command, held against themselves.
@Suite("heed check")
struct CheckCommandTests {
  private func recorded(_ arguments: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(arguments + ["--steps", "3"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return folder
  }

  @Test(
    "What the commands record is sound",
    arguments: [
      (
        [
          "compare", "a cat and a frog", "--seeds", "0", "--layers", "*,*attn1", "--queries", "*",
          "--branches",
          "conditional,unconditional", "--phases", "loss,refinement,denoise",
        ], "runs 2, calls "
      ),
      (
        ["generate", "a cat and a frog", "--scheduler", "euler", "--size", "192x128"],
        "runs 1, calls "
      ),
      (["generate", "a cat and a frog", "--no-record"], "chunks 0, rows 0: 0 problems\n"),
      (
        ["generate", "a cat and a frog", "--guidance-scale", "1", "--method", "stable-diffusion"],
        "runs 1, calls 3, chunks 9, rows 9216: 0 problems\n"
      ),
    ])
  func sound(_ arguments: [String], _ counts: String) throws {
    let folder = try recorded(arguments)
    let result = try HeedProcess.run(["check", "runs"], in: folder.path)
    #expect(result.status == 0 && result.stderr.isEmpty, "\(result.stdout)")
    #expect(result.stdout.contains(counts) && result.stdout.hasSuffix(": 0 problems\n"))
    #expect(result.stdout.split(separator: "\n").count == 1)
  }

  @Test("A photo's explanation is sound")
  func explanation() throws {
    let folder = try recorded(["generate", "a cat", "--tokens", "cat"])
    let image = try #require(folder.names.first { $0.hasSuffix("image.png") })
    let explained = try HeedProcess.run(
      ["explain", image, "a cat on a bench", "--at", "0.2,0.7", "-o", "seen", "--queries", "8x8"],
      in: folder.path)
    #expect(explained.status == 0, "\(explained.stderr)")
    let result = try HeedProcess.run(["check", "seen"], in: folder.path)
    #expect(result.stdout.hasPrefix("runs 1, calls 2, ") && result.status == 0, "\(result.stdout)")
  }

  @Test("Damage ends in 65, with a line for each problem and the counts")
  func damage() throws {
    let folder = try recorded(["generate", "a cat and a frog"])
    let chunks = folder.names.filter { $0.contains("attn2/c.") }
    var flipped = folder.bytes(chunks[0])
    flipped[flipped.count / 2] ^= 16
    try folder.write(chunks[0], flipped)
    try folder.write(chunks[1], folder.bytes(chunks[1]).prefix(100))
    try folder.remove(chunks[2])
    let result = try HeedProcess.run(["check", "runs"], in: folder.path)
    #expect(result.status == 65)
    #expect(result.messages == ["heed: 3 problems in 1 run"])
    let lines = result.stdout.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[0].hasPrefix("\(chunks[0]): is damaged: CRC-32C is 0x"))
    #expect(lines[1].hasPrefix("\(chunks[1]): 100 bytes, expected "))
    #expect(lines[2] == "\(chunks[2]): is missing, but listed in calls.jsonl")
    #expect(lines[3].hasPrefix("runs 1, calls ") && lines[3].hasSuffix(": 3 problems"))
    #expect(lines[3].contains("(1 missing)"))
    let json = try HeedProcess.run(["check", "runs", "--json"], in: folder.path)
    #expect(json.status == 65)
    let document = try JSONSerialization.jsonObject(with: Data(json.stdout.utf8))
    let run = try #require((document as? [[String: Any]])?.first)
    #expect(run["missing"] as? Int == 1 && run["status"] as? String == "complete")
    let problems = try #require(run["problems"] as? [[String: String]])
    #expect(problems.map { $0["file"] } == chunks.prefix(3).map { $0 })
  }

  @Test("Of a run that was cut off, what was acknowledged is checked, and that is said")
  func cutOff() throws {
    let folder = try recorded(["generate", "a cat and a frog"])
    let manifest = try #require(folder.names.first { $0.hasSuffix("run.json") })
    let text = folder.text(manifest).replacing("\"complete\"", with: "\"running\"")
    try folder.write(manifest, text.utf8)
    let run = manifest.dropLast("/run.json".count)
    try folder.remove("\(run)/image.png")
    try folder.write("\(run)/calls.jsonl", folder.bytes("\(run)/calls.jsonl").dropLast(10))
    let result = try HeedProcess.run(["check", String(run)], in: folder.path)
    #expect(result.status == 0, "\(result.stdout)")
    let lines = result.stdout.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].hasPrefix("\(run): not complete; checked up to call "))
  }

  @Test("What is no run is refused", arguments: ["nosuch", "empty"])
  func noRun(_ path: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("empty/note", [])
    expectRefusal(try HeedProcess.run(["check", path], in: folder.path), 66, [path, "no run"])
  }

  @Test(
    "A manifest of no sense is a problem of its file",
    arguments: ["", "{", "[]", "{\"format\": 7}", "\u{0}"])
  func manifest(_ text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("runs/seed-0/run.json", text.utf8)
    let result = try HeedProcess.run(["check", "runs"], in: folder.path)
    #expect(result.status == 65)
    #expect(result.stdout.hasPrefix("runs/seed-0/run.json: "))
    expectPlain(result.stdout)
  }
}
