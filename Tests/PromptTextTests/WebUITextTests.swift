import PromptText
import Testing

@Suite("The web UI's syntax")
struct WebUITextTests {
  private static let reading = PromptReading(syntax: .webui)

  private func words(_ prompt: String) throws -> [String] {
    let table = try CLIPTokenizer.bundled().encode(prompt, as: Self.reading)
    return table.words.map { word in
      let weight = table.tokens[word.tokens[0]].weight ?? 1
      return word.text + (weight == 1 ? "" : ":\((weight * 1000).rounded() / 1000)")
    }
  }

  @Test(
    "Brackets weigh what they hold",
    arguments: [
      ("a (red:1.3) cat", "a red:1.3 cat"), ("a (red) [cat]", "a red:1.1 cat:0.909"),
      ("((cat))", "cat:1.21"), ("(a (red:2) cat:0.5)", "a:0.5 red cat:0.5"),
      (#"\(cat\)"#, "( cat )"), ("(cat", "cat:1.1"), ("cat)", "cat )"), ("[[cat", "cat:0.826"),
      ("(cat: 1.5 )", "cat:1.5"), ("10:30", "10 : 30"),
      ("(cat:1.2.)", "cat:1.1 ::1.1 1:1.1 .:1.1 2:1.1 .:1.1"),
      ("", ""), ("()", ""), ("(cat:-1)", "cat:-1.0"),
    ])
  func weights(_ prompt: String, _ expected: String) throws {
    #expect(try words(prompt).joined(separator: " ") == expected)
  }

  @Test("Words keep their places in the prompt as it was written")
  func places() throws {
    let prompt = #"a (red:1.3) \(cat\) BREAK [frog]"#
    let table = try CLIPTokenizer.bundled().encode(prompt, as: Self.reading)
    let texts = table.words.map { word in
      String(decoding: Array(prompt.utf8)[word.range], as: UTF8.self)
    }
    #expect(texts == ["a", "red", "(", "cat", ")", "frog"])
    #expect(try WordReference("frog").tokens(in: table) == [78])
    #expect(table.tokens.count == 154)
    #expect(table.end == 79)
    #expect(table.positions(of: .start) == [0, 77])
    #expect(table.content == [1, 2, 3, 4, 5, 78])
  }

  @Test("BREAK alone ends a window, and only as a word in capitals")
  func breaks() throws {
    let tokenizer = try CLIPTokenizer.bundled()
    func windows(_ prompt: String) -> Int {
      tokenizer.encode(prompt, as: Self.reading).tokens.count / 77
    }
    #expect(windows("a BREAK b BREAK c") == 3)
    #expect(windows("a break b, BREAKFAST, xBREAK") == 1)
    #expect(windows("a BREAK") == 1)
    #expect(windows("a BREAK BREAK b") == 3)
  }

  @Test("A long prompt goes on in another window, from the last comma on")
  func windows() throws {
    let tokenizer = try CLIPTokenizer.bundled()
    let long = PromptReading(isLong: true)
    let many = [String](repeating: "cat", count: 80).joined(separator: " ")
    let table = tokenizer.encode(many, as: long)
    #expect(table.leftOut.isEmpty)
    #expect(table.words.map(\.tokens) == (1...75).map { [$0] } + (78...82).map { [$0] })
    // 70 words, a comma, 9 words: the words after the comma move on together.
    let parted =
      [String](repeating: "cat", count: 70).joined(separator: " ") + ", "
      + [String](repeating: "dog", count: 9).joined(separator: " ")
    let moved = tokenizer.encode(parted, as: long)
    #expect(moved.words.filter { $0.text == "dog" }.map(\.tokens) == (78...86).map { [$0] })
    #expect(moved.tokens[72].special == .end)
    #expect(tokenizer.encode("a cat", as: long, windows: 3).tokens.count == 231)
    #expect(tokenizer.encode("a cat", as: long) == tokenizer.encode("a cat"))
  }

  @Test("The vectors of a word stay in one window")
  func unit() throws {
    let tokenizer = try CLIPTokenizer.bundled().adding([("<toy>", 4)])
    let prompt = [String](repeating: "cat", count: 73).joined(separator: " ") + " <toy>"
    let table = tokenizer.encode(prompt, as: PromptReading(isLong: true))
    #expect(table.words.last?.tokens == [78, 79, 80, 81])
    // In a single window it is cut, as any word.
    #expect(tokenizer.encode(prompt).leftOut == ["<toy>"])
    #expect(throws: TextError.self) { try tokenizer.adding([("<toy>", 1)]) }
  }

  @Test(
    "Marks that plain text would take literally are found",
    arguments: [
      ("a (cat:1.3)", "(cat:1.3)"), ("[cat] and (dog)", "[cat]"), (#"a \(cat\)"#, #"\("#),
      ("a cat AND a dog", "AND"), ("a BREAK b", "BREAK"), ("a cat and a dog", nil),
      ("LAND, STAND", nil), ("a cat :)", nil),
    ])
  func marks(_ prompt: String, _ mark: String?) {
    #expect(WebUIMarks.first(in: prompt) == mark)
  }

  @Test(
    "What the web UI reads and Heed does not is refused",
    arguments: ["a [cat:dog:0.5]", "[cat|dog]", "[cat:10]", "a cat <lora:toy:0.8>"])
  func unread(_ prompt: String) {
    #expect(throws: TextError.self) { try WebUIMarks.requireReadable(prompt) }
  }

  @Test("What it reads is not", arguments: ["[(cat:1.2)]", "a [cat]", #"\[a:1\]"#, "[a: b]"])
  func readable(_ prompt: String) throws { try WebUIMarks.requireReadable(prompt) }

  @Test(
    "A sign behind the last word does not hide the subjects",
    arguments: [
      "a cat and a frog.", "a cat and a frog,", "a red cat with a frog!", "a cat and a frog ...",
    ])
  func signs(_ prompt: String) throws {
    let table = try CLIPTokenizer.bundled().encode(prompt)
    #expect(SubjectSelection.certain(in: table)?.map(\.name) == ["cat", "frog"])
    #expect(NounPhraseFinder.phrases(in: table).map(\.noun.text) == ["cat", "frog"])
  }
}
