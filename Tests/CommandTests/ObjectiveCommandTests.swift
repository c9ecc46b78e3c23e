import Foundation
import TestSupport
import Testing

/// Attend-and-Excite's successors on the command line.
@Suite("heed generate and compare by other objectives")
struct ObjectiveCommandTests {
  private static let prompt = "a red cat and a blue frog"
  private static let folder = "runs/a-red-cat-and-a-blue-frog"

  private func settings(_ method: String, in folder: TemporaryFolder) throws -> [String: String] {
    let bytes = folder.bytes("\(Self.folder)/\(method)/seed-0/run.json")
    let manifest = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    let request = manifest?["request"] as? [String: Any]
    let entry = try #require(request?["method"] as? [String: Any])
    #expect(entry["name"] as? String == method)
    return try #require(entry["knobs"] as? [String: String])
  }

  @Test("Methods are compared by name, each with its own schedule, all knobs in the manifest")
  func compare() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "compare", Self.prompt, "--methods", "syngen,conform,overlap-iou,objective", "--seeds", "0",
        "--steps", "4", "--no-record", "--objective", "excite(cat,frog)+0.5*bind(red,cat)",
      ], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.contains("phrases: a red cat (cat: red); a blue frog (frog: blue)"))
    let syngen = try settings("syngen", in: folder)
    #expect(syngen["groups"] == "red cat; blue frog" && syngen["scale-range"] == "1.0,1.0")
    #expect(syngen["bare-nouns"] == "true" && syngen["thresholds"] == "")
    let conform = try settings("conform", in: folder)
    #expect(conform["thresholds"] == "0=1.0,1=1.0" && conform["temperature"] == "0.5")
    #expect(
      try settings("objective", in: folder)["objective"]
        == "excite(cat, frog) + 0.5 * bind(red, cat)")
    #expect(try settings("overlap-iou", in: folder)["groups"] == nil)
  }

  @Test("Groups, boxes and knobs are taken from the options")
  func knobs() throws {
    let folder = try TemporaryFolder()
    let groups = try HeedProcess.run(
      ["generate", Self.prompt, "--dry-run", "--method", "syngen", "--groups", "red cat"],
      in: folder.path)
    #expect(groups.status == 0 && !groups.stderr.contains("phrases"), "\(groups.stderr)")
    let bare = try HeedProcess.run(
      ["generate", "red", "--method", "predicated-diffusion"], in: folder.path)
    expectRefusal(bare, 64, ["the groups of words", "--groups"])
    for arguments in [
      ["--method", "box-diff", "--box", "cat=0,0.25,0.5,1", "--top-share", "0.5"],
      ["--method", "ebama", "--groups", "blue cat;frog", "--intensity-weight", "1"],
      ["--method", "predicated-diffusion", "--objective-form", "paper", "--scale-factor", "0.01"],
    ] {
      let result = try HeedProcess.run(
        ["generate", Self.prompt, "--steps", "2", "--no-record"] + arguments, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
    }
    let box = try settings("box-diff", in: folder)
    #expect(box["box"] == "cat=0.0,0.25,0.5,1.0" && box["top-share"] == "0.5")
    #expect(box["thresholds"] == "0=0.8")
    let ebama = try settings("ebama", in: folder)
    #expect(ebama["groups"] == "blue cat; frog" && ebama["intensity-weight"] == "1.0")
    let predicated = try settings("predicated-diffusion", in: folder)
    #expect(predicated["objective-form"] == "paper" && predicated["scale-factor"] == "0.01")
  }

  @Test(
    "A knob that none of the methods reads is refused, its own default too",
    arguments: [
      ("stable-diffusion", "--max-iter-to-alter", "25", "attend-and-excite, syngen"),
      ("composable", "--scale-factor", "20", "attend-and-excite, syngen"),
      ("structure", "--sigma", "0.5", "attend-and-excite, syngen"),
      ("prompt-to-prompt --reweight cat=2", "--kernel-size", "3", "attend-and-excite, syngen"),
      ("conform", "--intensity-weight", "0.5", "ebama, which"),
      ("syngen", "--temperature", "0.5", "conform, which"),
      ("syngen", "--mask-threshold", "0.5", "a-star, which"),
      ("a-star", "--top-share", "0.2", "box-diff, which"),
      ("a-star", "--corner-width", "1", "box-diff, which"),
      ("attend-and-excite", "--leak-weight", "0.3", "predicated-diffusion, which"),
      (
        "overlap-kl", "--objective-form", "paper",
        "syngen, divide-and-bind, conform, box-diff, predicated-diffusion, initno, self-cross, tome, none of"
      ),
      ("composable", "--loss-input", "scaled", "attend-and-excite, syngen"),
      ("syngen", "--alignment-form", "code", "prompt-to-prompt, which"),
      ("attend-and-excite", "--search-rounds", "5", "initno, self-cross, none of"),
      ("attend-and-excite", "--conflict-target", "0.3", "initno, self-cross, none of"),
    ])
  func unread(_ method: String, _ option: String, _ value: String, _ readers: String) throws {
    let folder = try TemporaryFolder()
    let asked = method.split(separator: " ").map(String.init)
    let result = try HeedProcess.run(
      ["generate", Self.prompt, option, value, "--no-record", "--method"] + asked,
      in: folder.path)
    expectRefusal(result, 64, ["\(option) is an option of \(readers)"])
    #expect(folder.names.isEmpty)
  }

  @Test(
    "Flags that none of the methods reads are refused", arguments: ["bare-nouns", "renormalize"])
  func unreadFlags(_ flag: String) throws {
    let folder = try TemporaryFolder()
    for form in ["--", "--no-"] {
      let result = try HeedProcess.run(
        ["generate", Self.prompt, form + flag, "--method", "a-star", "--no-record"],
        in: folder.path)
      expectRefusal(result, 64, ["--\(flag) is an option of"])
    }
    #expect(folder.names.isEmpty)
  }

  @Test(
    "What cannot be is refused in one line, before anything is made",
    arguments: [
      (["--method", "box-diff"], 64, "the number of boxes is 0"),
      (["--method", "box-diff", "--box", "cat=0,0,1.5,1"], 64, "the box of cat"),
      (["--method", "box-diff", "--box", "cat=0.5,0,0.5,1"], 64, "the box of cat"),
      (["--method", "box-diff", "--box", "cat=0,0,0.01,1"], 64, "at least one cell"),
      (["--method", "box-diff", "--box", "cat=0,0,1"], 64, "--box is 'cat=0,0,1'"),
      (["--method", "box-diff", "--box", "cat=a,0,0,1,1"], 64, "--box is 'cat=a,0,0,1,1'"),
      (["--method", "box-diff", "--box", "dog=0,0,1,1"], 64, "dog"),
      (
        ["--method", "box-diff", "--box", "cat=0,0,1,1", "--box", "@3=0,0,1,0.5"], 64,
        "the number of boxes of cat is 2"
      ),
      (
        ["--method", "a-star", "--box", "cat=0,0,1,1", "--box", "frog=0,0,1,1"]
          + ["--box", "red=0,0,1,1"], 64, "the subjects, which are cat, frog"
      ),
      (["--method", "a-star", "--box", "@3=0,0,1,1"], 64, "the box of frog is missing"),
      (["--method", "syngen", "--groups", "red dog"], 64, "dog"),
      (["--method", "syngen", "--groups", "red cat;"], 64, "--groups is 'red cat;'"),
      (["--method", "syngen", "--groups", "red cat; cat"], 64, "cat as the noun"),
      (["--method", "conform", "--groups", "red cat; red frog"], 64, "with the word red is 2"),
      (["--method", "conform", "--temperature", "0"], 64, "--temperature is '0'"),
      (["--method", "a-star", "--groups", "red cat"], 64, "--groups is an option of syngen"),
      (["--method", "syngen", "--box", "cat=0,0,1,1"], 64, "--box is an option of a-star"),
      (["--method", "objective"], 64, "--objective is missing"),
      (["--objective", "excite(cat)"], 64, "--objective is an option of objective"),
      (["--method", "objective", "--objective", "excite(cat) + shout(cat)"], 64, "column 15"),
      (["--method", "objective", "--objective", "excite(dog)"], 64, "dog"),
      (["--method", "objective", "--objective", "-2 excite(cat)"], 64, "column 4"),
      (["--method", "divide-and-bind", "--objective-form", "code"], 69, "no cross-attention at"),
      (["--method", "overlap-kl", "--tokens", "cat"], 64, "2 or more"),
      (["--method", "nosuch"], 64, "overlap-compactness"),
    ])
  func refusals(_ arguments: [String], _ status: Int32, _ text: String) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["generate", Self.prompt, "--no-record"] + arguments, in: folder.path)
    #expect(result.status == status, "\(result.stderr)")
    #expect(result.stderr.contains(text), "\(result.stderr)")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/runs"))
  }
}
