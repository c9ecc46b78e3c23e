import AttentionTrace
import Foundation
import PromptText
import TestSupport
import Testing

@Suite("Prompts on the command line")
struct PromptCommandTests {
  private static let steps = ["--steps", "2", "--method", "stable-diffusion"]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func heed(_ arguments: [String]) throws -> HeedProcess.Result {
    try HeedProcess.run(arguments, in: folder.path)
  }

  private func run(_ result: HeedProcess.Result) throws -> RecordedRun {
    #expect(result.status == 0, "\(result.stderr)")
    let path = result.stdout.split(separator: "\n").first.map(String.init) ?? ""
    return try RecordedRun(folder.path + "/" + path)
  }

  @Test("An embedding is recorded, repeated by heed causal, and asked for where it has moved")
  func embedding() throws {
    let file = Repository.root + "/Tests/DiffusionTests/Fixtures/prompts/cat-toy.safetensors"
    try FileManager.default.copyItem(atPath: file, toPath: folder.path + "/toy.safetensors")
    let model = ["--model", Repository.tinyModel, "--embedding", "toy.safetensors:<toy>"]
    let made = try run(
      try heed(
        ["generate", "a <toy> and a frog"] + Self.steps + ["--tokens", "<toy>,frog"] + model))
    #expect(made.manifest.subjects.map(\.tokens) == [[2, 3, 4], [7]])
    #expect(made.manifest.provenance.embeddings.first?.options == ["word": "<toy>"])
    #expect(made.manifest.model.files["embedding toy.safetensors:<toy>"]?.count == 64)
    #expect(!made.manifest.subjects.isEmpty)
    let place = made.folder.path.replacing(folder.path + "/", with: "")
    let causal = try heed(["causal", place, "--drop", "<toy>"])
    #expect(causal.status == 0, "\(causal.stderr)")
    try FileManager.default.moveItem(
      atPath: folder.path + "/toy.safetensors", toPath: folder.path + "/moved.safetensors")
    expectRefusal(
      try heed(["causal", place, "--drop", "frog"]), 66, ["'<toy>'", "toy.safetensors"])
    let found = try heed(["causal", place, "--drop", "frog", "--embedding", "moved.safetensors"])
    #expect(found.status == 0, "\(found.stderr)")
    let tokens = try heed(
      [
        "tokens", "a <toy>", "--model", Repository.tinyModel, "--embedding",
        "moved.safetensors:<toy>",
      ])
    #expect(tokens.stdout.contains("<toy>_2"), "\(tokens.stderr)")
  }

  @Test(
    "Long prompts, the web UI's syntax and CLIP skip are kept by resumed, swept and repeated runs")
  func kept() throws {
    let options = ["--syntax", "webui", "--clip-skip", "1", "--negative-prompt", "a (dog:1.2)"]
    let prompt = "a (cat:1.3) BREAK a [frog]"
    let made = try run(
      try heed(["generate", prompt, "--tokens", "cat,frog"] + Self.steps + options))
    #expect(made.manifest.request.syntax == "webui" && made.manifest.request.clipSkip == 1)
    #expect(made.manifest.tokens.tokens.count == 154)
    #expect(made.manifest.texts[1].segments.count == 2)
    #expect(made.manifest.subjects.map(\.tokens) == [[2], [79]])
    #expect(try heed(["check", made.folder.path]).status == 0)
    let again = try heed(["generate", prompt, "--tokens", "cat,frog"] + Self.steps + options)
    #expect(again.status == 0 && again.stderr.contains("complete in"))
    let other = try heed(
      ["generate", prompt, "--tokens", "cat,frog"] + Self.steps + ["--syntax", "webui"])
    #expect(other.status == 73, "\(other.stderr)")
    let causal = try heed(["causal", made.folder.path, "--drop", "cat"])
    #expect(causal.status == 0, "\(causal.stderr)")
    let sweep = try heed(
      ["sweep", prompt, "--tokens", "cat,frog", "--vary", "guidance-scale=3,5", "--seeds", "0"]
        + Self.steps + options)
    #expect(sweep.status == 0, "\(sweep.stderr)")
  }

  @Test("AND parts the prompt for Composable Diffusion, weighed against guidance")
  func parts() throws {
    let result = try heed(
      [
        "generate", "a (cat:1.2) AND a frog :0.5", "--syntax", "webui", "--method", "composable",
        "--steps",
        "2", "--guidance-scale", "6",
      ])
    let parts = try run(result).manifest.texts.filter { $0.role == .part }
    #expect(parts.map(\.weight) == [6, 3])
    #expect(parts.map(\.table.prompt) == ["a (cat:1.2)", "a frog"])
    #expect(parts[0].table.tokens[2].weight == 1.2)
    expectRefusal(
      try heed(["generate", "a cat AND a frog", "--syntax", "webui"] + Self.steps), 64,
      ["AND", "composable"])
  }

  @Test("The web UI's signs are plain text unless asked for, and a warning says so once")
  func literal() throws {
    let result = try heed(
      [
        "compare", "a (cat:1.3) and a frog", "--tokens", "cat,frog", "--steps", "1", "--seeds",
        "0,1",
        "--thresholds", "none",
      ])
    #expect(result.status == 0, "\(result.stderr)")
    let warnings = result.messages.filter { $0.contains("--syntax webui") }
    #expect(warnings.count == 1 && warnings[0].contains("(cat:1.3)"), "\(result.stderr)")
  }

  @Test("A subject that is not found beside a sign is refused with the sign's warning")
  func hidden() throws {
    let result = try heed(["compare", "a cat and a (frog:1.3).", "--dry-run"])
    #expect(result.status == 64, "\(result.stderr)")
    for words in ["which words are the subjects?", "\"(frog:1.3)\" is read as plain text"] {
      #expect(result.stderr.contains(words), "\(result.stderr)")
    }
  }

  @Test("A negative prompt without guidance is warned of; one that is too long too")
  func negative() throws {
    let unguided = try heed(
      ["generate", "a cat", "--negative-prompt", "a dog", "--guidance-scale", "1"] + Self.steps)
    #expect(unguided.status == 0)
    #expect(unguided.stderr.contains("warning: the negative prompt has no effect"))
    let told = try heed([
      "generate", "a cat", "--negative-prompt", "a dog", "--dry-run", "--method",
      "stable-diffusion",
      "--no-record", "--model",
      Repository.root + "/Tests/DiffusionTests/Fixtures/consistency",
    ])
    #expect(told.stderr.contains("this model is told the guidance scale"), "\(told.stderr)")
    let long = [String](repeating: "dog", count: 90).joined(separator: " ")
    let cut = try heed(["generate", "a cat", "--negative-prompt", long, "-o", "cut"] + Self.steps)
    #expect(cut.stderr.contains("warning: the negative prompt is longer than 77 tokens"))
    let whole = try heed(
      ["generate", "a cat", "--negative-prompt", long, "--long-prompts", "-o", "whole"] + Self.steps
    )
    #expect(!whole.stderr.contains("longer than"))
    #expect(try run(whole).manifest.tokens.tokens.count == 154)
  }

  @Test("A recording that keeps nothing is refused, and leaves no folder")
  func nothing() throws {
    let before = folder.names
    expectRefusal(
      try heed(
        ["generate", "a cat", "--branches", "unconditional", "--guidance-scale", "1"] + Self.steps),
      64,
      ["unconditional", "guidance", "nothing would be recorded"])
    expectRefusal(
      try heed(["generate", "a cat", "--phases", "loss"] + Self.steps), 64, ["phases", "loss"])
    #expect(folder.names == before)
  }

  @Test("A run that cannot start leaves no folder, and one that was there stays")
  func noFolder() throws {
    // A store that cannot be written: the limit of a file's size is below that of a chunk.
    let arguments = ["generate", "a cat", "-o", "deep/runs"] + Self.steps
    let result = try HeedProcess.run(arguments, in: folder.path, shell: "ulimit -f 0; exec \"$@\"")
    #expect(result.status != 0)
    #expect(!folder.names.contains { $0.hasPrefix("deep") }, "\(folder.names)")
  }

  @Test("A sheet takes any number of subjects")
  func manySubjects() throws {
    let words = ["cat", "frog", "dog", "bird", "mouse", "bear", "lion", "horse"]
    let prompt = words.map { "a \($0)" }.joined(separator: " and ")
    let made = try heed(
      [
        "compare", prompt, "--tokens", words.joined(separator: ","), "--steps", "2", "--seeds", "0",
        "--thresholds", "none",
      ])
    #expect(made.status == 0 && made.stderr.contains("sheet.pdf"), "\(made.stderr)")
    for layout in ["compare", "neglect", "curves", "tokens"] {
      let sheet = try heed(["sheet", "runs", "--layout", layout, "-o", layout + ".svg"])
      #expect(sheet.status == 0, "\(layout): \(sheet.stderr)")
      #expect(folder.text(layout + ".svg").contains("horse"))
    }
  }
}
