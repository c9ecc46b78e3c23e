import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("BERT's tokenizer")
struct WordPieceTests {
  /// The vocabulary of the goldens.
  private static let vocabulary = Result {
    try String(
      contentsOf: TextFixtures.fixtures.appendingPathComponent("wordpiece/vocab.txt"),
      encoding: .utf8)
  }

  private static func tokenizer(_ files: [String: String]) throws -> WordPieceTokenizer {
    try TextFixtures.withFolder(files) { try WordPieceTokenizer(folder: $0) }
  }

  @Test("Every text has the ids that transformers gives it")
  func goldens() throws {
    let tokenizer = try Self.tokenizer(["vocab.txt": Self.vocabulary.get()])
    let cases = try TextFixtures.decode([TextFixtures.Case].self, "wordpiece/nasty.json")
    #expect(cases.count >= 600)
    for expected in cases {
      #expect(tokenizer.ids(of: expected.text) == expected.ids, "\(expected.text.debugDescription)")
    }
  }

  @Test(
    "A folder's files decide vocabulary, normalisation and special tokens as in transformers",
    arguments: try TextFixtures.decode([TextFixtures.Folder].self, "wordpiece/folders.json"))
  func folders(folder: TextFixtures.Folder) throws {
    let tokenizer = try Self.tokenizer(folder.files)
    for expected in folder.cases {
      #expect(tokenizer.ids(of: expected.text) == expected.ids, "\(expected.text.debugDescription)")
    }
  }

  @Test("Ids are written out as transformers does")
  func decoded() throws {
    let tokenizer = try Self.tokenizer(["vocab.txt": Self.vocabulary.get()])
    let cases = try TextFixtures.decode([TextFixtures.Case].self, "wordpiece/decoded.json")
    #expect(cases.count >= 100)
    for expected in cases {
      #expect(tokenizer.text(of: expected.ids) == expected.text, "\(expected.ids)")
    }
  }

  /// Characters of one kind, from the first to the last.
  private struct Characters: Decodable {
    let range: ClosedRange<UInt32>
    let kind: String

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      let first = try list.decode(UInt32.self)
      range = first...(try list.decode(UInt32.self))
      kind = try list.decode(String.self)
    }
  }

  @Test("Every character of Unicode is dropped, a space, a piece or a letter as in transformers")
  func characters() throws {
    let tokenizer = try Self.tokenizer([
      "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n"
    ])
    let kinds = [[5, 7]: "joined", [5, 6]: "apart", [5, 1, 6]: "alone", [1]: "other"]
    var wrong: [String] = []
    var count = 0
    for characters in try TextFixtures.decode([Characters].self, "wordpiece/classes.json") {
      for scalar in characters.range.lazy.compactMap(Unicode.Scalar.init) {
        let kind = kinds[tokenizer.ids(of: "a\(Character(scalar))b")] ?? "spelt"
        if kind != characters.kind {
          wrong.append("U+\(String(scalar.value, radix: 16)) \(kind), not \(characters.kind)")
        }
        count += 1
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(20))")
    #expect(count > 1_100_000)
  }

  @Test(
    "A word of more than a hundred characters is unknown, whatever it is made of",
    arguments: [("a", 100, false), ("a", 101, true), ("é", 101, true)])
  func long(letter: String, count: Int, isUnknown: Bool) throws {
    let tokenizer = try Self.tokenizer(["vocab.txt": "[UNK]\n[CLS]\n[SEP]\na\n##a\n##e\ne\n"])
    let ids = tokenizer.ids(of: String(repeating: letter, count: count))
    #expect(ids == (isUnknown ? [0] : [3] + [Int](repeating: 4, count: count - 1)))
  }

  /// Files of a folder, and what the error must say.
  struct BadFolder: CustomTestStringConvertible {
    let testDescription: String
    let files: [String: String]
    let says: [String]
  }

  static let bad = [
    BadFolder(
      testDescription: "no vocabulary", files: ["tokenizer_config.json": "{}"],
      says: ["tokenizer.json", "vocab.txt"]),
    BadFolder(
      testDescription: "a piece that comes twice",
      files: ["vocab.txt": "[UNK]\n[CLS]\n[SEP]\na\nb\na\n"],
      says: ["vocab.txt", "line 6", "\"a\""]),
    BadFolder(
      testDescription: "no unknown token", files: ["vocab.txt": "[CLS]\n[SEP]\na\n"],
      says: ["unknown token", "[UNK]"]),
    BadFolder(
      testDescription: "no separator", files: ["vocab.txt": "[CLS]\n[UNK]\na\n"],
      says: ["separator token", "[SEP]"]),
    BadFolder(
      testDescription: "an empty vocabulary", files: ["vocab.txt": ""], says: ["[UNK]"]),
    BadFolder(
      testDescription: "another kind of tokenizer",
      files: ["tokenizer.json": #"{"model": {"type": "BPE", "vocab": {"a": 0}}}"#],
      says: ["tokenizer.json", ".model.type", "WordPiece"]),
    BadFolder(
      testDescription: "a tokenizer.json without vocabulary",
      files: ["tokenizer.json": #"{"model": {"type": "WordPiece"}}"#], says: [".model", "vocab"]),
    BadFolder(
      testDescription: "another normalisation",
      files: [
        "tokenizer.json":
          #"{"model": {"vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}}, "normalizer": {"type": "NFC"}}"#
      ], says: [".normalizer.type", "BertNormalizer", "NFC"]),
    BadFolder(
      testDescription: "two pieces with one id",
      files: ["tokenizer.json": #"{"model": {"type": "WordPiece", "vocab": {"a": 0, "b": 0}}}"#],
      says: ["\"b\"", "0"]),
    BadFolder(
      testDescription: "words of no character",
      files: [
        "tokenizer.json":
          #"{"model": {"vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, "max_input_chars_per_word": 0}}"#
      ], says: ["max_input_chars_per_word", "at least 1"]),
    BadFolder(
      testDescription: "a setting of another type",
      files: [
        "vocab.txt": "[UNK]\n[CLS]\n[SEP]\n", "tokenizer_config.json": #"{"do_lower_case": "yes"}"#,
      ], says: ["tokenizer_config.json", "do_lower_case"]),
  ]

  @Test(
    "A folder that is not right is refused with one line that says what is wrong", arguments: bad)
  func refusals(folder: BadFolder) throws {
    try TextFixtures.withFolder(folder.files) { path in
      do {
        _ = try WordPieceTokenizer(folder: path)
        Issue.record("accepted")
      } catch {
        let line = "\(error)"
        #expect(!line.contains("\n") && line.contains(path))
        for part in folder.says { #expect(line.contains(part), "\(line)") }
      }
    }
  }

  @Test("A vocabulary that is not UTF-8 is refused")
  func notText() throws {
    try TextFixtures.withFolder([:]) { path in
      try Data([0x61, 0x0A, 0xFF, 0x0A]).write(to: URL(fileURLWithPath: path + "/vocab.txt"))
      let error = #expect(throws: FileError.self) { try WordPieceTokenizer(folder: path) }
      #expect(error?.description.contains("line 2 is not UTF-8") == true)
    }
  }
}
