import PromptText
import Testing

@Suite("Noun phrases")
struct NounPhraseTests {
  /// A prompt, and its phrases as `text|noun|modifiers`.
  struct Example: Sendable, CustomTestStringConvertible {
    let prompt: String
    let phrases: [String]
    var testDescription: String { prompt }
  }

  private static let examples = [
    Example(
      prompt: "a red car and a white sheep",
      phrases: ["a red car|car|red", "a white sheep|sheep|white"]),
    Example(prompt: "A Red Car.", phrases: ["A Red Car|car|red"]),
    Example(prompt: "an orange and a cat", phrases: ["an orange|orange|", "a cat|cat|"]),
    Example(prompt: "an orange cat", phrases: ["an orange cat|cat|orange"]),
    Example(prompt: "a red and white car", phrases: ["a red and white car|car|red white"]),
    Example(prompt: "a red and a green", phrases: ["a red|red|", "a green|green|"]),
    Example(
      prompt: "a big, old house with two open windows",
      phrases: ["a big, old house|house|big old", "two open windows|windows|open"]),
    Example(
      prompt: "a dog running on wet grass", phrases: ["a dog|dog|", "wet grass|grass|wet"]),
    Example(
      prompt: "a cat wearing sunglasses", phrases: ["a cat|cat|", "sunglasses|sunglasses|"]),
    Example(
      prompt: "a bear quietly eating fresh fish",
      phrases: ["a bear|bear|", "fresh fish|fish|fresh"]),
    Example(
      prompt: "a man wearing brightly painted boots",
      phrases: ["a man|man|", "brightly painted boots|boots|painted"]),
    Example(prompt: "a dog sleeping", phrases: ["a dog|dog|"]),
    Example(prompt: "the running dog", phrases: ["the running dog|dog|running"]),
    Example(
      prompt: "a photo of a fire hydrant",
      phrases: ["a photo|photo|", "a fire hydrant|hydrant|fire"]),
    Example(prompt: "a wedding cake", phrases: ["a wedding cake|cake|wedding"]),
    Example(
      prompt: "a cat that is black sits on the mat", phrases: ["a cat|cat|", "the mat|mat|"]),
    Example(
      prompt: "a man wearing a red-striped hat",
      phrases: ["a man|man|", "a red-striped hat|hat|red striped"]),
    Example(prompt: "the cat's tail", phrases: ["the cat's tail|tail|cat"]),
    Example(
      prompt: "a very brightly painted boat", phrases: ["a very brightly painted boat|boat|painted"]
    ),
    Example(prompt: "dogs, cats and birds", phrases: ["dogs|dogs|", "cats|cats|", "birds|birds|"]),
    Example(prompt: "it is red", phrases: []), Example(prompt: "and with !?", phrases: []),
  ]

  private func text(_ phrase: NounPhrase) -> String {
    [phrase.text, phrase.noun.text, phrase.modifiers.map(\.text).joined(separator: " ")]
      .joined(separator: "|")
  }

  @Test("Phrases are found with their nouns and modifiers", arguments: examples)
  func found(_ example: Example) throws {
    let table = try TextFixtures.clip.get().encode(example.prompt)
    #expect(NounPhraseFinder.phrases(in: table).map(text) == example.phrases)
  }

  @Test("All 276 prompts of the benchmark have two phrases whose nouns are the subjects")
  func benchmark() throws {
    let colours = Set(
      [
        "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "gray", "black",
        "white",
      ])
    for example in try TextFixtures.decode(
      [TextSubjectTests.Prompt].self, "text/benchmark-prompts.json")
    {
      let table = try TextFixtures.clip.get().encode(example.prompt)
      let phrases = NounPhraseFinder.phrases(in: table)
      #expect(phrases.flatMap(\.noun.tokens) == example.tokens, "\(example.prompt)")
      for phrase in phrases {
        #expect(
          table.prompt.utf8.dropFirst(phrase.range.lowerBound).prefix(phrase.range.count)
            .elementsEqual(phrase.text.utf8))
        #expect(phrase.modifiers.allSatisfy { colours.contains($0.text) })
        let words = table.words.filter { colours.contains($0.text) }
          .filter { phrase.range.contains($0.range.lowerBound) }
        #expect(phrase.modifiers == words)
      }
    }
  }

  @Test("Brackets mark phrases, and are no part of the prompt")
  func brackets() throws {
    let markup = try PromptMarkup(
      "[a red car] and [weiße Schafe]", brackets: true, parts: false)
    #expect(markup.prompt == "a red car and weiße Schafe")
    let table = try TextFixtures.clip.get().encode(markup.prompt)
    let phrases = try NounPhraseFinder.phrases(at: markup.phrases, in: table)
    #expect(phrases.map(\.text) == ["a red car", "weiße Schafe"])
    #expect(phrases.map(\.noun.text) == ["car", "schafe"])
    #expect(phrases.map { $0.modifiers.map(\.text) } == [["red"], ["weiße"]])
    #expect(phrases[0].tokens == [1, 2, 3])
    #expect(phrases[1].tokens.first == 5)
  }

  @Test("A prompt without marks stays as it is")
  func unmarked() throws {
    let text = "a [cat] | a frog:2"
    #expect(try PromptMarkup(text, brackets: false, parts: false).prompt == text)
    #expect(try PromptMarkup("a cat and a frog", brackets: true, parts: true).components == [])
  }

  @Test("Bars part a prompt; a part that is kept away from is not in the whole prompt")
  func parts() throws {
    let markup = try PromptMarkup(
      "[a cat]:7.5 | a clock at 10:30| a frog:-2", brackets: true, parts: true)
    #expect(markup.prompt == "a cat and a clock at 10:30")
    #expect(
      markup.components == [
        .init(text: "a cat", weight: 7.5), .init(text: "a clock at 10:30", weight: nil),
        .init(text: "a frog", weight: -2),
      ])
    #expect(markup.phrases == [0..<5])
  }

  @Test(
    "Without bars a prompt is parted at each and, else at each with",
    arguments: [
      ("a cat and a frog", ["a cat", "a frog"]),
      ("an elephant with a crown", ["an elephant", "a crown"]),
      ("a man with a hat and a dog", ["a man with a hat", "a dog"]),
      ("a cat, a dog and a frog", ["a cat, a dog", "a frog"]), ("a sandcastle", ["a sandcastle"]),
    ])
  func automatic(_ prompt: String, _ parts: [String]) {
    #expect(PromptMarkup.automaticParts(of: prompt) == parts)
  }

  @Test(
    "Marks that say nothing are refused",
    arguments: ["[a cat", "a] cat", "[a [cat]]", "[]", "a | ", "a:-1 | b:-2"])
  func refused(_ text: String) {
    #expect(throws: TextError.self) { try PromptMarkup(text, brackets: true, parts: true) }
  }

  @Test(
    "Brackets around a part of a word are refused",
    arguments: [
      ("[a red ca]r", "a red ca", "car"), ("a sm[all car]", "all car", "small"),
      ("[紅]い車", "紅", "紅い車"),
    ])
  func cut(_ text: String, _ phrase: String, _ word: String) throws {
    let markup = try PromptMarkup(text, brackets: true, parts: false)
    let table = try TextFixtures.clip.get().encode(markup.prompt)
    #expect(throws: TextError.cutWord(phrase: phrase, word: word)) {
      try NounPhraseFinder.phrases(at: markup.phrases, in: table)
    }
  }

  @Test("A phrase with a word that the window cuts is not found")
  func cutByWindow() throws {
    let prompt = String(repeating: "cat and ", count: 36) + "the red zyzzyvaquokka"
    let table = try TextFixtures.clip.get().encode(prompt)
    #expect(table.words.last?.text == "zyzzyvaquokka" && table.leftOut == ["zyzzyvaquokka"])
    #expect(NounPhraseFinder.phrases(in: table).map(\.text) == Array(repeating: "cat", count: 36))
    let long = try TextFixtures.clip.get().encode(prompt, as: PromptReading(isLong: true))
    #expect(NounPhraseFinder.phrases(in: long).last?.text == "the red zyzzyvaquokka")
  }

  @Test(
    "A weight with a slip in it is refused, and is no part of the words",
    arguments: [
      "a cat:7,5", "a cat:", "a cat: ", "a cat:nan", "a cat:-inf", "a cat:1e999", "a cat:2x",
      "a cat:--2", "a cat:.", "a cat :½",
    ])
  func badWeight(_ part: String) {
    let error = TextError.badWeight(part: part.hasSuffix(" ") ? String(part.dropLast()) : part)
    for text in [part, "a frog | " + part] {
      #expect(throws: error) { try PromptMarkup(text, brackets: false, parts: true) }
    }
  }

  @Test(
    "Words after a colon are words",
    arguments: ["photo: a cat", "style: 3d render", "at 10:30", "route 66:7", "cats:dogs", ":5"])
  func colon(_ text: String) throws {
    let markup = try PromptMarkup(text + " | a frog", brackets: false, parts: true)
    #expect(markup.components.map(\.text) == [text, "a frog"])
    #expect(markup.components[0].weight == nil)
  }

  @Test("A prompt of white space has no parts, and is empty")
  func emptyPrompt() {
    for text in ["", " "] {
      #expect(throws: TextError.emptyPrompt) {
        try PromptMarkup(text, brackets: false, parts: true)
      }
    }
  }

  @Test("A phrase beyond the window, or of white space, matches no token")
  func noToken() throws {
    let prompt = String(repeating: "cat ", count: 90) + "frog"
    let table = try TextFixtures.clip.get().encode(prompt)
    for range in [prompt.utf8.count - 4..<prompt.utf8.count, 3..<4] {
      #expect(throws: TextError.self) { try NounPhraseFinder.phrases(at: [range], in: table) }
    }
  }
}
