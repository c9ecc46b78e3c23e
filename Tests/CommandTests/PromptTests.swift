import Foundation
import TestSupport
import Testing

/// Prompts that people type by accident or on purpose.
@Suite("Prompts")
struct PromptTests {
  @Test(
    "An empty prompt is refused", arguments: ["", " ", "   \t ", "\n"],
    ["compare", "generate"])
  func empty(_ prompt: String, _ command: String) throws {
    let folder = try TemporaryFolder()
    expectRefusal(
      try HeedProcess.run([command, prompt], in: folder.path), 65, ["the prompt is empty"])
    #expect(folder.names.isEmpty)
  }

  @Test("A prompt that is not UTF-8 is refused", arguments: ["compare", "generate", "tokens"])
  func notUTF8(_ command: String) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [command], in: folder.path, shell: "exec \"$@\" \"$(printf 'a \\377 cat')\"")
    expectRefusal(result, 65, ["not UTF-8"])
    #expect(folder.names.isEmpty)
  }

  /// Prompts that must simply work.
  static let odd = [
    "a cat\nand a frog", "a \u{1B}[31mcat\u{1B}[0m and a \u{7}frog", "a 🐱 and a 👨‍👩‍👧",
    "חתול וצפרדע", "قط و ضفدع", "猫と蛙", "a cat \u{202E}and a frog", "e\u{301}le\u{301}phant",
    "</script><b>&amp;", "\\textbf{cat} $x_1$ %", "../../etc/passwd", "-", "/", "a\r\ncat",
    "cat\u{FEFF}",
    "cat cat cat cat", String(repeating: "\u{301}", count: 200),
  ]

  @Test("An odd prompt makes a picture, and nothing of it reaches the terminal raw", arguments: odd)
  func oddPrompt(_ prompt: String) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["generate", "--method", "stable-diffusion", "--steps", "1", "--", prompt], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    expectPlain(result.stderr)
    expectPlain(result.stdout)
    let run = String(result.stdout.split(separator: "\n").first ?? "")
    #expect(run.hasPrefix("runs/") && run.hasSuffix("/stable-diffusion/seed-0"), "\(run)")
    #expect(run.split(separator: "/").count == 4)
    #expect(folder.bytes(run + "/image.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let manifest = try JSONSerialization.jsonObject(with: Data(folder.bytes(run + "/run.json")))
    let texts = try #require((manifest as? [String: Any])?["texts"] as? [[String: Any]])
    let tokens = try #require(texts.first)
    #expect(Array((tokens["prompt"] as? String ?? "").utf8) == Array(prompt.utf8))
  }

  @Test("An odd prompt whose subjects are unknown shows its tokens in plain characters")
  func oddTable() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(["compare", "\u{1B}[31mcat\u{7}"], in: folder.path)
    expectRefusal(result, 64, ["which words"], showsTokens: true)
  }

  @Test("A prompt longer than the window is cut, and a warning names the words left out")
  func longPrompt() throws {
    let folder = try TemporaryFolder()
    let words = ["a", "cat", "and", "a", "frog"] + (6...300).map { "w\($0)" }
    let result = try HeedProcess.run(
      ["compare", words.joined(separator: " "), "--tokens", "cat,frog", "--dry-run"],
      in: folder.path)
    #expect(result.status == 0)
    #expect(result.messages.count == 1)
    let line = result.messages.first.map(String.init) ?? ""
    #expect(line.hasPrefix("heed: warning: the prompt is longer than 77 tokens; left out: "))
    #expect(line.hasSuffix(" w298 w299 w300"))
    #expect(!line.contains("frog"))
  }

  @Test("A word beyond the window cannot be a subject")
  func beyondWindow() throws {
    let folder = try TemporaryFolder()
    let prompt = "a cat " + String(repeating: "and ", count: 80) + "a frog"
    expectRefusal(
      try HeedProcess.run(["compare", prompt, "--tokens", "cat,frog"], in: folder.path), 64,
      ["\"frog\" is beyond the 77 tokens"])
    #expect(folder.names.isEmpty)
  }

  @Test("A prompt has at most 64 KiB, or what HEED_LIMITS allows")
  func longestPrompt() throws {
    let folder = try TemporaryFolder()
    let prompt = String(repeating: "a cat and a frog ", count: 7600)
    let arguments = ["compare", prompt, "--tokens", "cat#1,frog#1", "--dry-run"]
    expectRefusal(
      try HeedProcess.run(arguments, in: folder.path), 65,
      ["argument 2: expected a text of at most 65536 bytes, got 129200; HEED_LIMITS=prompt="])
    let result = try HeedProcess.run(
      arguments, in: folder.path, environment: ["HEED_LIMITS": "prompt=128K"])
    #expect(result.status == 0, "\(result.stderr.prefix(300))")
    #expect(result.messages.count == 1)
    #expect(result.stderr.count < 4000)
    #expect(result.stderr.contains("more words"))
  }
}
