import Foundation
import TestSupport
import Testing

@Suite("heed tokens")
struct TokensCommandTests {
  private struct Line: Decodable {
    struct Token: Decodable {
      let index: Int
      let id: Int
      let piece: String
      let range: [Int]?
    }
    struct Word: Decodable {
      let text: String
      let occurrence: Int
      let tokens: [Int]
    }
    let text: String
    let ids: [Int]
    let tokens: [Token]
    let words: [Word]
  }

  private func lines(_ output: String) throws -> [Line] {
    try output.split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  @Test("The table shows each token's index, id, piece and word")
  func table() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(["tokens", "A cat and a frog"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.stderr.isEmpty)
    #expect(
      result.stdout == """
        index   id  piece            word
            0  651  <|startoftext|>  <start>
            1  320  a</w>            a#1
            2  631  cat</w>          cat
            3  648  and</w>          and
            4  320  a</w>            a#2
            5  627  frog</w>         frog
            6  652  <|endoftext|>    <end>

        """)
  }

  @Test("A JSON line holds the prompt as written, its ids, tokens and words")
  func json() throws {
    let folder = try TemporaryFolder()
    let prompt = "a \"Cat\" \\ and\ta \u{1B}frog 🐸"
    let result = try HeedProcess.run(["tokens", "--json", prompt], in: folder.path)
    #expect(result.status == 0)
    let line = try #require(try lines(result.stdout).first)
    #expect(line.text == prompt)
    #expect(line.ids == line.tokens.map(\.id))
    #expect(line.tokens.map(\.index) == Array(line.ids.indices))
    #expect(line.words.contains { $0.text == "cat" && $0.occurrence == 1 })
    #expect(line.tokens.first?.range == nil)
    let bytes = Array(prompt.utf8)
    for token in line.tokens where token.piece == "cat</w>" {
      let range = try #require(token.range)
      #expect(String(decoding: bytes[range[0]..<range[1]], as: UTF8.self) == "Cat")
    }
  }

  @Test("Standard input gives a line for each line, and --vocabulary another tokenizer")
  func standardInput() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "tokens", "--from", "-", "--json", "--vocabulary",
        Repository.root + "/Sources/PromptText/Resources/CLIPVocabulary",
      ], stdin: Array("a photo of a cat\r\n\nein Häuschen".utf8), in: folder.path)
    #expect(result.status == 0)
    let lines = try lines(result.stdout)
    #expect(lines.map(\.text) == ["a photo of a cat", "", "ein Häuschen"])
    #expect(lines.first?.ids == [49406, 320, 1125, 539, 320, 2368, 49407])
  }

  @Test("Tables of several prompts stand apart")
  func severalTables() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["tokens", "--from", "-"], stdin: Array("a cat\na frog\n".utf8), in: folder.path)
    #expect(result.stdout.components(separatedBy: "\n\nindex").count == 2)
  }

  @Test("A line that is not UTF-8 is refused by its number, after those before it")
  func notUTF8() throws {
    let folder = try TemporaryFolder()
    try folder.write("prompts", Array("a cat\na frog\na ".utf8) + [0xFF, 0x0A])
    let result = try HeedProcess.run(["tokens", "--from", "prompts", "--json"], in: folder.path)
    #expect(result.status == 65)
    #expect(result.stderr == "heed: prompts: line 3 is not UTF-8\n")
    #expect(try lines(result.stdout).count == 2)
  }

  @Test("A file of prompts that cannot be read is named", arguments: ["nosuch", "."])
  func unreadable(_ file: String) throws {
    let folder = try TemporaryFolder()
    expectRefusal(
      try HeedProcess.run(["tokens", "--from", file], in: folder.path), 66, [file + ":"])
  }

  @Test("A line of 60,000 bytes, and one with a NUL, are prompts")
  func longLine() throws {
    let folder = try TemporaryFolder()
    let long = Array(String(repeating: "a cat ", count: 10_000).utf8)
    let result = try HeedProcess.run(
      ["tokens", "--from", "-", "--json"], stdin: long + Array("\na\u{0}cat\n".utf8),
      in: folder.path)
    #expect(result.status == 0)
    let lines = try lines(result.stdout)
    #expect(lines.count == 2)
    #expect(lines.first?.ids.count == 77)
    #expect(lines.last?.text == "a\u{0}cat")
    #expect(result.stderr.count < 4000)
  }

  @Test("Messages that cannot be written change nothing")
  func fullMessages() throws {
    let folder = try TemporaryFolder()
    let long = "a cat " + String(repeating: "and ", count: 100)
    let result = try HeedProcess.run(
      ["tokens", long, "--json"], in: folder.path, shell: "exec \"$@\" 2> /dev/full")
    #expect(result.status == 0)
    #expect(try lines(result.stdout).count == 1)
  }

  @Test("Output that cannot be written ends with 74")
  func fullOutput() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["tokens", "a cat"], in: folder.path, shell: "exec \"$@\" > /dev/full")
    expectRefusal(result, 74, ["standard output", "No space left"])
  }
}
