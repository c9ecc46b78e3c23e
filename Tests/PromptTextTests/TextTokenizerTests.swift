import Foundation
import PromptText
import Testing

@Suite("CLIP's tokenizer")
struct TextTokenizerTests {
  @Test(
    "Every text has the ids that transformers gives it",
    arguments: ["clip-tokenizer/golden.json", "text/nasty.json"])
  func goldens(file: String) throws {
    let clip = try TextFixtures.clip.get()
    let cases = try TextFixtures.decode([TextFixtures.Case].self, file)
    #expect(cases.count >= 600)
    for expected in cases {
      let table = clip.encode(expected.text)
      #expect(table.ids == expected.ids, "\(expected.text.debugDescription)")
      #expect(table.tokens.count == 77)
      #expect(table.tokens.indices.allSatisfy { table.tokens[$0].index == $0 })
    }
  }

  @Test(
    "A folder's settings decide special tokens, padding and window as in transformers",
    arguments: try TextFixtures.decode([TextFixtures.Folder].self, "text/folders.json"))
  func folders(folder: TextFixtures.Folder) throws {
    let tokenizer = try TextFixtures.withFolder(folder.files, vocabulary: true) {
      try CLIPTokenizer(folder: $0)
    }
    for expected in folder.cases {
      let ids = tokenizer.encode(expected.text).tokens.map(\.id)
      #expect(ids == expected.ids, "\(expected.text.debugDescription)")
    }
  }

  @Test("The layouts tokenizer.json and vocab.json with merges.txt give the same ids")
  func layouts() throws {
    let folder = TextFixtures.menagerie
    func content(_ name: String) throws -> String {
      try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
    let split = try TextFixtures.withFolder([
      "vocab.json": content("vocab.json"), "merges.txt": content("merges.txt"),
      "tokenizer_config.json": content("tokenizer_config.json"),
    ]) { try CLIPTokenizer(folder: $0) }
    let rules = try content("merges.txt").split(separator: "\n").dropFirst().map {
      "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    let strings = try TextFixtures.withFolder([
      "tokenizer.json": """
      {"model": {"merges": [\(rules.joined(separator: ","))], "vocab": \(content("vocab.json")),
       "type": "BPE"}, "added_tokens": [{"id": 651, "content": "<|startoftext|>",
       "special": true, "normalized": false}], "version": "1.0", "padding": null}
      """
    ]) { try CLIPTokenizer(folder: $0) }
    let whole = try CLIPTokenizer(folder: folder.path)
    for expected in try TextFixtures.decode([TextFixtures.Case].self, "text/nasty.json") {
      let table = whole.encode(expected.text)
      #expect(split.encode(expected.text) == table)
      #expect(strings.encode(expected.text) == table)
    }
  }

  @Test(
    "Source ranges are whole characters of the prompt, in order, and leave out only white space")
  func ranges() throws {
    let clip = try TextFixtures.clip.get()
    for expected in try TextFixtures.decode([TextFixtures.Case].self, "text/nasty.json") {
      let prompt = expected.text
      let table = clip.encode(prompt)
      var boundaries: Set<Int> = [0]
      var offset = 0
      for scalar in prompt.unicodeScalars {
        offset += UTF8.width(scalar)
        boundaries.insert(offset)
      }
      var last = 0..<0
      var covered = Set<Int>()
      for token in table.tokens {
        guard let range = token.range else { continue }
        #expect(boundaries.contains(range.lowerBound) && boundaries.contains(range.upperBound))
        #expect(!range.isEmpty && range.lowerBound >= last.lowerBound)
        #expect(range.upperBound >= last.upperBound)
        covered.formUnion(range)
        last = range
      }
      guard table.leftOut.isEmpty else { continue }
      offset = 0
      for scalar in prompt.unicodeScalars {
        let isCovered = covered.contains(offset)
        #expect(isCovered || scalar.properties.isWhitespace, "\(prompt.debugDescription) \(offset)")
        offset += UTF8.width(scalar)
      }
    }
  }

  @Test("A token's range is the text it came from, before normalisation")
  func rangeText() throws {
    let prompt = "The  CAFE\u{301} İs ﬁne — 猫!"
    let table = try TextFixtures.clip.get().encode(prompt)
    let texts = table.tokens.compactMap(\.range).map {
      String(decoding: Array(prompt.utf8)[$0], as: UTF8.self)
    }
    var distinct: [String] = []
    for text in texts where text != distinct.last { distinct.append(text) }
    #expect(distinct.starts(with: ["The", "CAFE\u{301}", "İ"]))
    #expect(distinct.suffix(3) == ["—", "猫", "!"])
    #expect(table.words.map(\.text) == ["the", "café", "i\u{307}s", "ﬁne", "—", "猫", "!"])
  }

  @Test("An empty prompt is start, end and padding")
  func empty() throws {
    let clip = try TextFixtures.clip.get()
    for prompt in ["", "  \n\t\u{3000}"] {
      let table = clip.encode(prompt)
      #expect(table.tokens[0].special == .start && table.tokens[1].special == .end)
      #expect(table.tokens[2...].allSatisfy { $0.special == .padding && $0.id == 49407 })
      #expect(table.words.isEmpty && table.leftOut.isEmpty && table.end == 1)
    }
  }

  @Test("A prompt longer than the window keeps its beginning, and names the words left out")
  func leftOut() throws {
    let filler = Array(repeating: "cat", count: 74).joined(separator: " ")
    let table = try TextFixtures.clip.get().encode(filler + " Sombrero, FROG")
    #expect(table.tokens.count == 77 && table.tokens[76].special == .end)
    #expect(table.words.last?.text == "sombrero" && table.words.last?.tokens == [75])
    #expect(table.leftOut == ["Sombrero", ",", "FROG"])
    #expect(try TextFixtures.clip.get().encode(filler + " frog").leftOut.isEmpty)
  }

  @Test(
    "Words are what a user would name",
    arguments: [
      ("a cat's t-shirt", ["a", "cat", "'s", "t", "-", "shirt"]),
      ("4K 'sun' 2026!", ["4k", "sun", "'", "2026", "!"]),
      ("हिन्दी, नमस्ते", ["हिन्दी", "नमस्ते"]),
      ("CAFE\u{301} 🐱", ["café", "🐱"]),
      ("don't <|endoftext|>x", ["don", "'t", "<|endoftext|>", "x"]),
    ])
  func words(prompt: String, words: [String]) throws {
    let table = try TextFixtures.clip.get().encode(prompt)
    #expect(table.words.map(\.text) == words)
    #expect(table.words.flatMap(\.tokens) == Array(1..<table.end))
    for (position, word) in table.words.enumerated() {
      #expect(word.tokens.allSatisfy { table.tokens[$0].word == position })
    }
  }

  @Test("Several tasks may use one tokenizer")
  func concurrency() async throws {
    let clip = try TextFixtures.clip.get()
    let cases = try TextFixtures.decode([TextFixtures.Case].self, "text/nasty.json")
    let wrong = await withTaskGroup(of: Int.self) { group in
      for start in 0..<4 {
        group.addTask {
          cases[(start * 100)...].count { clip.encode($0.text).ids != $0.ids }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }
}
