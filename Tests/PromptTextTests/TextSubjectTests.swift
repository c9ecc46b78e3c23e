import PromptText
import Testing

@Suite("Subjects")
struct TextSubjectTests {
  struct Prompt: Decodable {
    let prompt: String
    let tokens: [Int]
  }

  func subjects(_ names: [String], in prompt: String) throws -> [Subject] {
    try SubjectSelection.subjects(named: names, in: TextFixtures.clip.get().encode(prompt))
  }

  @Test("All 276 prompts of the benchmark give the tokens of their nouns")
  func benchmark() throws {
    let prompts = try TextFixtures.decode([Prompt].self, "text/benchmark-prompts.json")
    #expect(prompts.count == 276)
    for expected in prompts {
      #expect(try subjects([], in: expected.prompt).map(\.tokens) == expected.tokens.map { [$0] })
    }
  }

  @Test("A noun of several pieces in a template is one subject")
  func pieces() throws {
    let found = try subjects([], in: "An elephant with a red SOMBRERO")
    #expect(found.map(\.name) == ["elephant", "sombrero"])
    #expect(found.map(\.tokens) == [[2], [6, 7]])
    #expect(try subjects([], in: "a cat and a cat").map(\.name) == ["cat#1", "cat#2"])
  }

  @Test(
    "Any other prompt asks for names, and shows its tokens",
    arguments: [
      "a cat", "two cats and a frog", "a cat and a frog. a dog", "a cat and frog", "a cat, a frog",
      "a cat and a frog and a dog", "a red and a green apple", "an orange and a cat",
      "a big cat and a frog", "the cat and the frog", "a red blue cat and a frog", "a 4k and a cat",
      "a and a and", "a cat on a frog", "photo of a cat and a frog",
    ])
  func otherPrompts(prompt: String) throws {
    do {
      _ = try subjects([], in: prompt)
      Issue.record("found subjects")
    } catch let error as TextError {
      #expect("\(error)".contains("cat,frog"))
      #expect("\(error)".contains("\n    1  "))
      #expect("\(error)".contains(prompt.split(separator: " ")[0]))
    }
  }

  @Test(
    "Names select words, phrases, occurrences and indices",
    arguments: [
      ("frog", [5]), (" FROG ", [5]), ("@5", [5]), ("@1", [1]), ("porcupine", [8, 9, 10]),
      ("t-shirt", [12, 14]), ("red car", [16, 17]), ("car#1", [17]), ("car#2", [19]), ("-", [13]),
      ("café", [20]), ("cafe\u{301}", [20]), ("don't", [21, 22]),
    ])
  func names(name: String, tokens: [Int]) throws {
    let prompt = "a cat and one frog, the porcupine t t-shirt, red car; car CAFE\u{301} don't"
    let table = try TextFixtures.clip.get().encode(prompt)
    let expected = try #require(table.words.first { $0.text == "frog" }).tokens
    #expect(expected == [5])
    let found = try subjects([name], in: prompt)
    #expect(found.map(\.tokens) == [tokens], "\(table.text())")
  }

  @Test("A word that comes several times must say which")
  func ambiguous() throws {
    let prompt = "a frog and a red frog"
    #expect(try subjects(["frog#1", "frog#2"], in: prompt).map(\.tokens) == [[2], [6]])
    let table = try TextFixtures.clip.get().encode(prompt).text()
    #expect(throws: TextError.ambiguousWord(name: "frog", places: [2, 6], table: table)) {
      try subjects(["frog"], in: prompt)
    }
    #expect(throws: TextError.noSuchOccurrence(name: "frog", count: 2, table: table)) {
      try subjects(["frog#3"], in: prompt)
    }
    #expect(throws: TextError.noSuchOccurrence(name: "red", count: 1, table: table)) {
      try subjects(["red#0"], in: prompt)
    }
  }

  @Test("A name that selects nothing is refused with the table of tokens")
  func unknown() throws {
    let prompt = "a cat and a frog"
    let table = try TextFixtures.clip.get().encode(prompt).text()
    #expect(throws: TextError.unknownWord(name: "dog", table: table)) {
      try subjects(["cat", "dog"], in: prompt)
    }
    #expect(throws: TextError.noSuchIndex(name: "@77", last: 76, table: table)) {
      try subjects(["@77"], in: prompt)
    }
    for name in ["@0", "@6", "@76", "<start>", "<end>"] {
      #expect(throws: TextError.noText(name: name, table: table)) {
        try subjects([name], in: prompt)
      }
    }
    #expect(throws: TextError.sameSubject(first: "cat", second: "@2")) {
      try subjects(["cat", "@2"], in: prompt)
    }
    #expect(throws: TextError.emptyName) { try subjects(["cat", " "], in: prompt) }
    #expect(throws: TextError.unknownWord(name: "@99999999999999999999", table: table)) {
      try subjects(["@99999999999999999999"], in: prompt)
    }
  }

  @Test("A word beyond the window is said to be there")
  func outsideWindow() {
    let prompt = Array(repeating: "cat", count: 75).joined(separator: " ") + " frog"
    #expect(throws: TextError.outsideWindow(name: "frog", window: 77)) {
      try subjects(["frog"], in: prompt)
    }
  }

  @Test("An empty prompt has no subjects", arguments: ["", " \n"])
  func emptyPrompt(prompt: String) {
    #expect(throws: TextError.emptyPrompt) { try subjects([], in: prompt) }
    #expect(throws: TextError.emptyPrompt) { try subjects(["cat"], in: prompt) }
  }

  @Test("A subject of several pieces serves the loss by one of them or by all")
  func pieceRules() {
    let subject = Subject(name: "porcupine", tokens: [5, 6, 7])
    let one = Subject(name: "cat", tokens: [2])
    #expect(PieceRule.standard == .last)
    #expect(
      PieceRule.allCases.map { $0.tokens(of: subject) } == [[5], [7], [5, 6, 7], [5, 6, 7]])
    #expect(PieceRule.allCases.allSatisfy { $0.tokens(of: one) == [2] })
  }
}
