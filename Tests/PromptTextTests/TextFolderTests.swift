import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("A tokenizer's folder")
struct TextFolderTests {
  /// A vocabulary that is small and right.
  static let vocabulary = """
    {"a": 0, "b": 1, "a</w>": 2, "b</w>": 3, "ab</w>": 4, "<|startoftext|>": 5, "<|endoftext|>": 6}
    """
  static let merges = "#version: 0.2\na b</w>\n"

  /// Files of a folder, and what the error must say.
  struct BadFolder: CustomTestStringConvertible {
    let testDescription: String
    let files: [String: String]
    let says: [String]

    init(_ name: String, _ files: [String: String], says: String...) {
      testDescription = name
      self.files = files
      self.says = says
    }

    /// The good folder with one file replaced.
    init(_ name: String, vocabulary: String, says: String...) {
      testDescription = name
      files = ["vocab.json": vocabulary, "merges.txt": merges]
      self.says = says + ["vocab.json"]
    }

    init(_ name: String, merges: String, says: String...) {
      testDescription = name
      files = ["vocab.json": TextFolderTests.vocabulary, "merges.txt": merges]
      self.says = says + ["merges.txt"]
    }

    init(_ name: String, settings: String, says: String...) {
      testDescription = name
      files = [
        "vocab.json": TextFolderTests.vocabulary, "merges.txt": TextFolderTests.merges,
        "tokenizer_config.json": settings,
      ]
      self.says = says
    }

    init(_ name: String, tokenizer: String, says: String...) {
      testDescription = name
      files = ["tokenizer.json": tokenizer]
      self.says = says + ["tokenizer.json"]
    }
  }

  static let bad: [BadFolder] = [
    BadFolder("nothing", [:], says: "no tokenizer here", "merges.txt"),
    BadFolder("no merges", ["vocab.json": vocabulary], says: "merges.txt"),
    BadFolder("an empty vocabulary file", vocabulary: "", says: "empty"),
    BadFolder("a list", vocabulary: "[1]", says: "an object"),
    BadFolder("half a vocabulary", vocabulary: #"{"a": 0, "b""#, says: "byte"),
    BadFolder("a piece twice", vocabulary: #"{"a": 0, "a": 1}"#, says: #""a""#),
    BadFolder("an id twice", vocabulary: #"{"a": 0, "b": 0}"#, says: #""b""#, "id 0"),
    BadFolder("a fraction", vocabulary: #"{"a": 0.5}"#, says: #""a""#, "id"),
    BadFolder("a negative id", vocabulary: #"{"a": -1}"#, says: #""a""#, "id"),
    BadFolder("a huge id", vocabulary: #"{"a": 99999999999999999999}"#, says: #""a""#),
    BadFolder("a large id", vocabulary: #"{"a": 4000000000}"#, says: #""a""#, "1048575"),
    BadFolder("a text for an id", vocabulary: #"{"a": "0"}"#, says: "digit", "byte 6"),
    BadFolder("something behind", vocabulary: vocabulary + "x", says: "end"),
    BadFolder("an unknown half", merges: "a z\n", says: #""z""#, "merge 1"),
    BadFolder(
      "an unknown whole", merges: "#version: 0.2\na b</w>\na a\n", says: #""aa""#, "merge 2"),
    BadFolder("three parts", merges: "a b</w> a\n", says: "two pieces"),
    BadFolder("one part", merges: "a b</w>\nab\n", says: "two pieces", "merge 2"),
    BadFolder("settings that are no object", settings: "[]", says: "tokenizer_config.json"),
    BadFolder(
      "an unknown end token", settings: #"{"eos_token": "<end>"}"#, says: #""<end>""#, "end token"),
    BadFolder(
      "a token without text", settings: #"{"eos_token": {"lstrip": true}}"#, says: "content"),
    BadFolder("a token that is a number", settings: #"{"pad_token": 3}"#, says: ".pad_token"),
    BadFolder(
      "a window of 2", settings: #"{"model_max_length": 2}"#, says: "model_max_length", "3"),
    BadFolder("a window of 7.5", settings: #"{"model_max_length": 7.5}"#, says: "model_max_length"),
    BadFolder(
      "a listed token without id",
      settings: #"{"added_tokens_decoder": {"x": {"content": "y"}}}"#, says: "id"),
    BadFolder("no model", tokenizer: #"{"version": "1.0"}"#, says: ".model"),
    BadFolder("no merges in the model", tokenizer: #"{"model": {"vocab": {}}}"#, says: ".model"),
    BadFolder(
      "another model", tokenizer: #"{"model": {"type": "Unigram", "vocab": {}}}"#, says: "BPE"),
    BadFolder(
      "a merge of three", tokenizer: #"{"model": {"vocab": {"a": 0}, "merges": [["a","a","a"]]}}"#,
      says: "two pieces"),
    BadFolder(
      "an empty merge", tokenizer: #"{"model": {"vocab": {"a": 0}, "merges": [""]}}"#,
      says: "two pieces"),
    BadFolder(
      "deep nesting", tokenizer: String(repeating: "[", count: 100_000), says: "object"),
    BadFolder(
      "deep nesting inside", tokenizer: #"{"x": "# + String(repeating: "[", count: 100_000),
      says: "nested"),
  ]

  @Test(
    "A folder that is not right is refused with one line that says what is wrong", arguments: bad)
  func refusals(folder: BadFolder) throws {
    try TextFixtures.withFolder(folder.files) { path in
      do {
        _ = try CLIPTokenizer(folder: path)
        Issue.record("loaded")
      } catch {
        let line = "\(error)"
        #expect(error is TextError || error is FileError)
        #expect(!line.contains("\n") && line.contains(path))
        for part in folder.says { #expect(line.contains(part), "\(line)") }
      }
    }
  }

  @Test("A folder that does not exist is refused")
  func missing() {
    #expect(throws: TextError.noVocabulary(folder: "/nowhere/at/all")) {
      try CLIPTokenizer(folder: "/nowhere/at/all")
    }
  }

  @Test("What is not in the vocabulary becomes the unknown token, byte by byte")
  func unknown() throws {
    try TextFixtures.withFolder(["vocab.json": Self.vocabulary, "merges.txt": Self.merges]) {
      let tokenizer = try CLIPTokenizer(folder: $0)
      let table = tokenizer.encode("AB é bz")
      #expect(table.ids == [5, 4, 6, 6, 1, 6, 6])
      #expect(table.tokens[1..<6].map(\.range) == [0..<2, 3..<5, 3..<5, 6..<7, 7..<8])
      #expect(table.end == 6 && table.tokens[6].special == .end)
    }
  }

  @Test("A truncated vocabulary is refused wherever it ends")
  func truncated() throws {
    let whole = Array(Self.vocabulary.utf8)
    for length in 1..<whole.count {
      let part = String(decoding: whole[..<length], as: UTF8.self)
      try TextFixtures.withFolder(["vocab.json": part, "merges.txt": Self.merges]) { path in
        _ = #expect(throws: FileError.self) { try CLIPTokenizer(folder: path) }
      }
    }
  }
}
