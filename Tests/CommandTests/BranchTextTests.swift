import AttentionTrace
import Foundation
import PromptText
import TestSupport
import Testing

@Suite("Labels of each branch's own text")
struct BranchTextTests {
  private static let prompt = OutputFolderTests.prompt
  private static let run = "runs/a-cat-and-a-frog/stable-diffusion/seed-0"
  private static let unconditional = "mean(layer: 16x16) unconditional"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func heed(_ arguments: [String]) throws -> HeedProcess.Result {
    try HeedProcess.run(arguments, in: folder.path)
  }

  /// Records both branches of two steps, or other ones.
  private func record(_ negative: String, _ more: [String] = []) throws {
    let result = try heed(
      [
        "generate", Self.prompt, "--method", "stable-diffusion", "--steps", "2", "--layers",
        "16x16",
        "--branches", "conditional,unconditional", "--negative-prompt", negative,
      ] + more)
    #expect(result.status == 0, "\(result.stderr)")
  }

  private func json(_ name: String) throws -> [String: Any] {
    let data = Data(folder.text(name).utf8)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test("A store has the pieces of the negative prompt beside those of the prompt")
  func store() throws {
    try record("a red dog")
    let run = try RecordedRun(folder.path + "/" + Self.run)
    #expect(run.manifest.tokens(of: .unconditional)?.words.map(\.text) == ["a", "red", "dog"])
    let group = try #require(
      try json(Self.run + "/attention.zarr/zarr.json")["attributes"] as? [String: Any])
    let pieces = try #require(group["negative_token_pieces"] as? [String])
    #expect(Array(pieces[1...3]) == ["a</w>", "red</w>", "dog</w>"])
    #expect(group["negative_prompt"] as? String == "a red dog")
    let axis = try #require(
      try json(Self.run + "/attention.zarr/token/zarr.json")["attributes"] as? [String: Any])
    #expect((axis["pieces"] as? [String])?[3] == "and</w>")
    #expect((axis["pieces_unconditional"] as? [String])?[3] == "dog</w>")
    #expect(try heed(["check", Self.run]).status == 0)
  }

  @Test("Words of the unconditional branch are those of the negative prompt")
  func analysis() throws {
    try record("a red dog")
    let words = try heed(
      ["analyze", Self.run, "--report", "words", "--recipe", Self.unconditional, "--csv"])
    #expect(words.status == 0, "\(words.stderr)")
    let rows = words.stdout.split(whereSeparator: \.isNewline).dropFirst().map {
      $0.split(separator: ",")
    }
    #expect(rows.map { "\($0[3]) \($0[4])" } == ["a 1", "red 2", "dog 3"])
    let cat = try heed(
      [
        "analyze", Self.run, "--report", "statistics", "--recipe", Self.unconditional, "--tokens",
        "cat",
      ])
    expectRefusal(cat, 64, ["negative prompt", "\"cat\""], showsTokens: true)
    #expect(cat.stderr.contains("dog</w>"))
    // The subjects are words of the prompt.
    let subjects = try heed(
      [
        "analyze", Self.run, "--report", "statistics", "--recipe", Self.unconditional, "--tokens",
        "dog",
      ])
    #expect(subjects.status == 0, "\(subjects.stderr)")
    // A word of the prompt that stands beside another word of the negative prompt has no one map.
    let both = try heed(
      [
        "analyze", Self.run, "--report", "statistics", "--tokens", "and", "--recipe",
        "mean(layer: 16x16) mean(branch) conditional unconditional",
      ])
    expectRefusal(both, 69, ["'and'", "'dog'", "both branches"])
  }

  @Test("An empty negative prompt shows start, end and padding")
  func empty() throws {
    try record("")
    let words = try heed(
      ["analyze", Self.run, "--report", "words", "--recipe", Self.unconditional, "--csv"])
    #expect(words.status == 0, "\(words.stderr)")
    let names = words.stdout.split(whereSeparator: \.isNewline).dropFirst().map {
      $0.split(separator: ",")[3]
    }
    #expect(Array(Set(names)).sorted() == ["<end>", "<padding>", "<start>"])
    let sheet = try heed(
      [
        "sheet", Self.run, "--layout", "tokens", "--recipe", Self.unconditional, "-o", "tokens.svg",
      ])
    #expect(sheet.status == 0, "\(sheet.stderr)")
    #expect(!folder.text("tokens.svg").contains(">frog<"))
    // What is published averages both branches under the prompt's words.
    let notebook = try heed(
      ["analyze", Self.run, "--report", "statistics", "--tokens", "cat", "--recipe", "notebook"])
    #expect(notebook.status == 0, "\(notebook.stderr)")
  }

  @Test("A sheet of the unconditional branch has the negative prompt's words")
  func sheet() throws {
    try record("a red dog")
    func sheet(_ more: [String]) throws -> HeedProcess.Result {
      try heed(["sheet", Self.run, "-o", "out.svg", "--recipe", Self.unconditional] + more)
    }
    let tokens = try sheet(["--layout", "tokens"])
    #expect(tokens.status == 0, "\(tokens.stderr)")
    #expect(folder.text("out.svg").contains(">dog<"))
    #expect(!folder.text("out.svg").contains(">cat<"))
    expectRefusal(
      try sheet(["--layout", "steps", "--words", "cat"]), 64, ["negative prompt", "\"cat\""],
      showsTokens: true)
    #expect(try sheet(["--layout", "matrix", "--words", "red,dog"]).status == 0)
  }

  @Test("An export names the tokens of each branch in arrays, tables, manifest and README")
  func export() throws {
    try record("a red dog")
    for (branches, count) in [("conditional,unconditional", 2), ("unconditional", 1)] {
      let result = try heed(
        [
          "export", Self.run, "-o", branches, "--branches", branches, "--format",
          "csv,zarr,safetensors",
        ])
      #expect(result.status == 0, "\(result.stderr)")
      let rows = folder.text(branches + "/tables/tokens.csv").split(whereSeparator: \.isNewline).map
      {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
      #expect(rows[0].prefix(5) == ["branch", "token", "id", "piece", "word"])
      let third = rows.filter { $0[1] == "3" }
      #expect(third.map { "\($0[0]) \($0[4])" }.suffix(1) == ["unconditional dog"])
      #expect(third.count == count)
      let manifest = try json(branches + "/manifest.json")
      #expect(manifest["negative_prompt"] as? String == "a red dog")
      let tokens = try #require(manifest["negative_tokens"] as? [[String: Any]])
      #expect(tokens[3]["word"] as? String == "dog")
      #expect(folder.text(branches + "/README.md").contains("negative prompt: `a red dog`"))
      let names = Set(folder.names)
      let end = count == 2 ? "_unconditional" : ""
      #expect(names.contains("\(branches)/arrays/arrays.zarr/word\(end)/zarr.json"))
      #expect(
        names.contains("\(branches)/arrays/arrays.zarr/word_conditional/zarr.json") == (count == 2))
      #expect(folder.text("\(branches)/arrays/arrays.safetensors").contains("\\\"dog\\\""))
    }
    let word = try heed([
      "export", Self.run, "-o", "one.npz", "--branches", "unconditional", "--tokens", "cat",
    ])
    expectRefusal(word, 64, ["negative prompt", "\"cat\""], showsTokens: true)
    let either = try heed(["export", Self.run, "-o", "either", "--tokens", "cat,dog"])
    #expect(either.status == 0, "\(either.stderr)")
    #expect(try heed(["verify-export", "either"]).status == 0)
  }

  @Test("A report's page has the words of each branch")
  func report() throws {
    try record("a red dog")
    #expect(try heed(["report", Self.run]).status == 0)
    let page = folder.text("report.html")
    let from = try #require(page.range(of: "\"unconditional\":[{"))
    let list = page[from.upperBound...].prefix { $0 != "]" }
    for word in ["a", "red", "dog"] { #expect(list.contains("\"text\":\"\(word)\"")) }
    #expect(!list.contains("\"text\":\"cat\""))
  }

  @Test("Tokens to record are words of the texts of the branches that are kept")
  func recorded() throws {
    try record("a red dog", ["--record-tokens", "frog,dog,<end>"])
    let run = try RecordedRun(folder.path + "/" + Self.run)
    #expect(run.sites.first?.tokens == [3, 4, 5, 6])
    let refused = try heed(
      [
        "generate", Self.prompt, "--negative-prompt", "a red dog", "--record-tokens", "dog", "-o",
        "other",
      ])
    expectRefusal(refused, 64, ["\"dog\""], showsTokens: true)
    #expect(!folder.names.contains("other"))
  }
}
