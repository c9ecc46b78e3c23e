import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import TestSupport
import Testing

/// Runs as values: what `run.json` holds, runs made again from it, and runs of an earlier format.
@Suite("Runs from their run.json")
struct RepeatedRunTests {
  private static let prompt = "a cat and a frog"

  private func heed(
    _ arguments: [String], in folder: TemporaryFolder, at place: String = ""
  ) throws -> HeedProcess.Result {
    let result = try HeedProcess.run(arguments, in: folder.path + place)
    #expect(result.status == 0, "\(arguments): \(result.stderr)")
    return result
  }

  @Test("A run is repeated from another folder, with its start picture and its options")
  func elsewhere() throws {
    let folder = try TemporaryFolder()
    let made = try heed(
      ["generate", Self.prompt, "--steps", "4", "--method", "stable-diffusion"], in: folder)
    let first = made.stdout.trimmingCharacters(in: .newlines)
    let picture = folder.path + "/start.png"
    try FileManager.default.copyItem(atPath: "\(folder.path)/\(first)/image.png", toPath: picture)
    let begun = try heed(
      [
        "generate", "a dog and a frog", "--init", "start.png", "--strength", "0.5", "--steps", "6",
        "--max-iter-to-alter", "2", "--negative-prompt", "a bird", "-o", "begun",
      ], in: folder
    ).stdout.trimmingCharacters(in: .newlines)
    try FileManager.default.createDirectory(
      atPath: folder.path + "/elsewhere", withIntermediateDirectories: true)
    let result = try heed(["causal", "../" + begun, "--drop", "dog"], in: folder, at: "/elsewhere")
    #expect(result.stdout.hasPrefix("drop dog: ../begun/"))
    // Where the picture has moved, it is asked for by name, and taken by its hash alone.
    try FileManager.default.moveItem(atPath: picture, toPath: folder.path + "/moved.png")
    let gone = try HeedProcess.run(["causal", begun, "--drop", "frog"], in: folder.path)
    expectRefusal(gone, 66, ["the start picture", "start.png"])
    let other = try HeedProcess.run(
      ["causal", begun, "--drop", "frog", "--init", "\(first)/../../../../nothing.png"],
      in: folder.path)
    expectRefusal(other, 66, ["the start picture"])
    _ = try heed(["causal", begun, "--drop", "frog", "--init", "moved.png"], in: folder)
  }

  @Test("A checkpoint and a LoRA are found by their contents, and asked for when they have moved")
  func moved() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: Repository.tinyModel, toPath: folder.path + "/tiny")
    let run = try heed(
      [
        "generate", Self.prompt, "--model", "tiny", "--steps", "2", "--method", "stable-diffusion",
        "--no-record",
      ], in: folder
    ).stdout.trimmingCharacters(in: .newlines)
    try FileManager.default.moveItem(
      atPath: folder.path + "/tiny", toPath: folder.path + "/renamed")
    let gone = try HeedProcess.run(["causal", run, "--drop", "cat"], in: folder.path)
    expectRefusal(gone, 66, ["the checkpoint tiny", "give its present path"])
    _ = try heed(["causal", run, "--drop", "cat", "--model", "renamed"], in: folder)
    // Another checkpoint is no substitute.
    let schedule = "renamed/scheduler/scheduler_config.json"
    let text = folder.text(schedule).replacing("0.012", with: "0.013")
    try folder.write(schedule, text.utf8)
    let other = try HeedProcess.run(
      ["causal", run, "--drop", "frog", "--model", "renamed"], in: folder.path)
    expectRefusal(other, 65, ["scheduler_config.json"])
  }

  @Test(
    "run.json holds the request with nothing open, token tables as segments, and provenance apart")
  func manifest() throws {
    let folder = try TemporaryFolder()
    let run = try heed(
      [
        "generate", "a cat:5 | a frog:-1", "--method", "composable", "--negative-prompt",
        "a red dog",
        "--steps", "2",
      ], in: folder
    ).stdout.trimmingCharacters(in: .newlines)
    let json = try JSONSerialization.jsonObject(with: Data(folder.bytes("\(run)/run.json")))
    let manifest = try #require(json as? [String: Any])
    #expect(manifest["format"] as? Int == 2)
    let request = try #require(manifest["request"] as? [String: Any])
    #expect(request["prompt"] as? String == "a cat" && request["size"] as? String == "128x128")
    #expect(
      request["scheduler"] as? String != nil && request["attentionResolution"] as? String == "16x16"
    )
    let method = try #require(request["method"] as? [String: Any])
    #expect((method["knobs"] as? [String: String]) == ["parts": "a cat:5.0 | a frog:-1.0"])
    let texts = try #require(manifest["texts"] as? [[String: Any]])
    #expect(texts.map { $0["role"] as? String } == ["prompt", "negative", "part", "part"])
    #expect(texts.map { $0["prompt"] as? String } == ["a cat", "a red dog", "a cat", "a frog"])
    let segment = try #require((texts[1]["segments"] as? [[String: Any]])?.first)
    #expect(segment["start"] as? Int == 0 && segment["words"] as? [Int] == [1, 4])
    #expect(segment["end"] as? Int == 4 && segment["padding"] as? [Int] == [5, 77])
    let provenance = try #require(manifest["provenance"] as? [String: Any])
    for key in ["date", "seconds", "host", "commandLine", "version", "checkpoint"] {
      #expect(provenance[key] != nil && manifest[key] == nil, "\(key)")
    }
    // The request is read back, planned, and asks for the same run.
    let recorded = try RecordedRun("\(folder.path)/\(run)").manifest
    let again = try RunRequest(recorded.request)
    #expect(again.record == recorded.request)
    let planned = try StableDiffusion(.bundled).plan(again)
    #expect(planned.request == again)
    #expect(try planned.manifest(RunProvenance(version: "", date: "")).texts == recorded.texts)
  }

  @Test("A run of format 1 is measured, drawn and checked, and is neither resumed nor repeated")
  func firstFormat() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.path + "/runs", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: Repository.fixtures + "/format-1", toPath: folder.path + "/runs/a-cat-and-a-frog")
    let run = "runs/a-cat-and-a-frog/attend-and-excite/seed-0"
    _ = try heed(["check", "runs"], in: folder)
    let neglect = try heed(["analyze", "runs", "--json"], in: folder)
    #expect(neglect.stdout.contains("attend-and-excite"))
    _ = try heed(
      ["analyze", run, "--report", "statistics", "--recipe", "mean(layer: 8x8)"], in: folder)
    _ = try heed(
      ["sheet", "runs", "-o", "old.json", "--recipe", "mean(layer: 8x8)"], in: folder)
    #expect(folder.text("old.json").contains("Attend-and-Excite"))
    let causal = try HeedProcess.run(["causal", run, "--drop", "frog"], in: folder.path)
    expectRefusal(causal, 65, ["format 1", "make the run again"])
    let again = try HeedProcess.run(
      ["generate", Self.prompt, "--seeds", "0", "--steps", "3", "--method", "stable-diffusion"],
      in: folder.path)
    expectRefusal(again, 65, ["format 1", "make the run again"])
  }
}
