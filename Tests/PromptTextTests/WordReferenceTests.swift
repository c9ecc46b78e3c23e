import PromptText
import Testing

@Suite("References to words")
struct WordReferenceTests {
  static let prompt =
    "A frog and a red car, the porcupine's t-shirt at 5 o'clock: poke\u{301}mon r2d2 50mm 猫 🐸 red frog"

  private func table() throws -> TokenTable {
    try CLIPTokenizer.bundled().encode(Self.prompt)
  }

  @Test(
    "A reference means the same tokens in every spelling",
    arguments: [
      ("frog#1", "frog", 2), ("FROG#2", "frog", 35), (" red car ", "redcar", 5),
      ("red#2", "red", 34),
      ("Red  Frog", "redfrog", 34), ("porcupine", "porcupine", 9),
      ("porcupine's", "porcupine's", 9),
      ("t-shirt", "tshirt", 13), ("T-Shirt", "tshirt", 13), ("t shirt", nil, 0),
      ("o'clock", "oclock", 18), ("pokémon", "poke\u{301}mon", 22),
      ("POKE\u{301}MON", "poke\u{301}mon", 22), ("r2d2", "r2d2", 23), ("R2D2", "r2d2", 23),
      ("50mm", "50mm", 27), ("猫", "猫", 30), ("🐸", "🐸", 33), ("5#1", "5", 17), ("@17", "5", 17),
      ("6", "car", 6), ("@6", "car", 6), ("03", "and", 3),
    ])
  func tokens(_ reference: String, _ expected: String?, _ first: Int) throws {
    let table = try table()
    let found = try? WordReference(reference).tokens(in: table)
    var ranges: [Range<Int>] = []
    for range in (found ?? []).compactMap({ table.tokens[$0].range }) where ranges.last != range {
      ranges.append(range)
    }
    let utf8 = Array(table.prompt.utf8)
    let text = ranges.map { String(decoding: utf8[$0], as: UTF8.self) }.joined()
    #expect(found == nil ? expected == nil : text == expected, "\(table.text())")
    #expect((found?.first ?? 0) == first, "\(table.text())")
  }

  @Test("Start, end and padding are tokens of the window")
  func special() throws {
    let table = try CLIPTokenizer.bundled().encode("a cat")
    #expect(try WordReference("<start>").tokens(in: table) == [0])
    #expect(try WordReference("<end>").tokens(in: table) == [3])
    #expect(try WordReference("<padding>").tokens(in: table) == Array(4...76))
    let full = try CLIPTokenizer.bundled().encode(
      Array(repeating: "cat", count: 80).joined(separator: " "))
    #expect(throws: TextError.noPadding(table: full.text())) {
      try WordReference("<padding>").tokens(in: full)
    }
  }

  @Test("A number that is a word and the index of another token is refused with both forms")
  func ambiguousNumber() throws {
    let table = try table()
    let error = TextError.ambiguousNumber(name: "5", places: [17], table: table.text())
    #expect(throws: error) { try WordReference("5").tokens(in: table) }
    #expect("\(error)".contains("write 5#1 (token 17) for the word, or @5 for the index"))
    #expect(try WordReference("5#1").tokens(in: table) == [17])
    #expect(try WordReference("@5").tokens(in: table) == [5])
  }

  @Test("A number that can only be a word, or is the same token both ways, needs no more")
  func certainNumber() throws {
    let year = try CLIPTokenizer.bundled().encode("a car of 2026")
    #expect(try WordReference("2026").subject(in: year).name == "2026")
    #expect(try WordReference("2026").tokens(in: year) == [4, 5, 6, 7])
    #expect(throws: TextError.noSuchIndex(name: "99", last: 76, table: year.text())) {
      try WordReference("99").tokens(in: year)
    }
    let one = try CLIPTokenizer.bundled().encode("1 cat")
    #expect(try WordReference("1").tokens(in: one) == [1])
  }

  @Test("A bare number that is an index is called by its index")
  func nameOfNumber() throws {
    #expect(try WordReference("6").subject(in: table()) == Subject(name: "@6", tokens: [6]))
  }

  @Test("Every word has a name by which it is found again, and nothing else is")
  func names() throws {
    for prompt in [Self.prompt, "2 cats and 3 dogs, 2 frogs; 1", "a - b - c", "1 1 1"] {
      let table = try CLIPTokenizer.bundled().encode(prompt)
      let names = table.words.map { table.subject(of: $0).name }
      #expect(Set(names).count == names.count)
      for (word, name) in zip(table.words, names) {
        #expect(try WordReference(name).tokens(in: table) == word.tokens, "\(name)")
      }
    }
  }

  @Test(
    "A list is separated by commas, and blanks around them do not count",
    arguments: [
      ("cat,frog", ["cat", "frog"]),
      (" cat , red frog,@5, frog#2 ", ["cat", "red frog", "@5", "frog#2"]),
      ("<start>,2,t-shirt", ["<start>", "2", "t-shirt"]),
    ])
  func list(_ text: String, _ expected: [String]) throws {
    #expect(try WordReference.list(text).map(\.description) == expected)
  }

  @Test(
    "A list with nothing before, between or after its commas is refused",
    arguments: ["", " ", ",", "cat,", ",cat", "cat,,frog", "cat, ,frog"])
  func emptyItem(_ text: String) {
    #expect(throws: TextError.emptyName) { try WordReference.list(text) }
  }

  @Test("What is written is what is read")
  func readings() throws {
    #expect(try WordReference("cat#1") == .words("cat", occurrence: 1))
    #expect(try WordReference("#1") == .words("#1", occurrence: nil))
    #expect(try WordReference("c#") == .words("c#", occurrence: nil))
    #expect(try WordReference("@x") == .words("@x", occurrence: nil))
    #expect(try WordReference("007") == .number("007"))
    #expect(try WordReference("@007") == .index(7))
  }

  @Test("Several references give each token once, ascending")
  func several() throws {
    let table = try table()
    #expect(
      try WordReference.tokens(of: WordReference.list("car, red car, <start>"), in: table)
        == [0, 5, 6])
  }
}
