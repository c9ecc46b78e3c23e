import Foundation
import PromptText
import Testing

/// Tables of two text encoders, one after the other along the keys.
@Suite("Tokens of several text encoders")
struct SegmentTests {
  private typealias Token = TokenTable.Token

  /// "a red panda" as one encoder with start, end and padding reads it, and another with an end and padding,
  /// or with a template around it and padding in front.
  private static func table(_ second: [(String, Token.Special?)]) -> TokenTable {
    let first: [(String, Token.Special?)] = [
      ("<|startoftext|>", .start), ("a</w>", nil), ("red</w>", nil), ("pan", nil), ("da</w>", nil),
      ("<|endoftext|>", .end), ("<|endoftext|>", .padding), ("<|endoftext|>", .padding),
    ]
    let texts = ["a", "red", "panda"]
    let ranges = [0..<1, 2..<5, 6..<11]
    var places = [[Int]](repeating: [], count: 3)
    let tokens = (first + second).enumerated().map { index, entry in
      let plain = entry.0.replacing("</w>", with: "").replacing("\u{2581}", with: "")
      let word = entry.1 != nil ? nil : plain == "a" ? 0 : plain == "red" ? 1 : 2
      if let word { places[word].append(index) }
      return Token(
        index: index, id: index, piece: entry.0, range: word.map { ranges[$0] }, word: word,
        special: entry.1)
    }
    let behind = first.count..<tokens.count
    func index(_ special: Token.Special) -> Int? { behind.first { tokens[$0].special == special } }
    let padding = behind.filter { tokens[$0].special == .padding }
    let own = behind.filter { tokens[$0].special == nil || tokens[$0].special == .template }
    return TokenTable(
      prompt: "a red panda", tokens: tokens,
      words: texts.indices.map {
        TokenTable.Word(text: texts[$0], occurrence: 1, tokens: places[$0], range: ranges[$0])
      }, leftOut: [],
      segments: [
        TokenTable.Segment(encoder: "text_encoder", start: 0, words: 1..<5, end: 5, padding: 6..<8),
        TokenTable.Segment(
          encoder: "text_encoder_2", start: index(.start), words: own[0]..<own[own.count - 1] + 1,
          end: index(.end),
          padding: padding.isEmpty
            ? tokens.count..<tokens.count : padding[0]..<padding[padding.count - 1] + 1),
      ])
  }

  private static let t5 = table([
    ("\u{2581}a", nil), ("\u{2581}red", nil), ("\u{2581}panda", nil), ("</s>", .end),
    ("<pad>", .padding),
  ])
  private static let chat = table([
    ("<pad>", .padding), ("<|im_start|>", .template), ("a", nil), ("red", nil), ("panda", nil),
    ("<|im_end|>", .template),
  ])

  @Test(
    "A word, the start, the end and the padding are those of every encoder",
    arguments: [
      ("panda", [3, 4, 10], [3, 4, 12]), ("red panda", [2, 3, 4, 9, 10], [2, 3, 4, 11, 12]),
      ("<start>", [0], [0]), ("<end>", [5, 11], [5]), ("<padding>", [6, 7, 12], [6, 7, 8]),
    ])
  func references(_ text: String, _ t5: [Int], _ chat: [Int]) throws {
    #expect(try WordReference(text).tokens(in: Self.t5) == t5)
    #expect(try WordReference(text).tokens(in: Self.chat) == chat)
  }

  @Test("The text's own tokens are neither special nor a template's")
  func content() {
    #expect(Self.t5.content == [1, 2, 3, 4, 8, 9, 10])
    #expect(Self.chat.content == [1, 2, 3, 4, 10, 11, 12])
    #expect(Self.t5.encoderStarts == [0, 8] && Self.chat.encoderStarts == [0, 8])
    #expect(Self.chat.positions(of: .template) == [9, 13])
  }

  @Test("Where no encoder has a start or an end token, the reference says so")
  func nothing() throws {
    let table = TokenTable(
      prompt: "a",
      tokens: [Token(index: 0, id: 5, piece: "a", range: 0..<1, word: 0, special: nil)],
      words: [TokenTable.Word(text: "a", occurrence: 1, tokens: [0], range: 0..<1)], leftOut: [],
      segments: [TokenTable.Segment(start: nil, words: 0..<1, end: nil, padding: 1..<1)])
    for name in ["<start>", "<end>"] {
      let error = #expect(throws: TextError.self) { try WordReference(name).tokens(in: table) }
      #expect(error?.description.hasPrefix("no text encoder puts a \(name) token") ?? false)
    }
    #expect(table.content == [0])
  }

  @Test("The table for a reader leaves out the padding of every segment")
  func text() {
    let lines = Self.chat.text().split(separator: "\n")
    #expect(lines.count == 1 + 6 + 5)
    #expect(!lines.contains { $0.contains("<padding>") })
    #expect(lines.last?.hasSuffix("<template>") ?? false)
  }

  @Test("Windows of one encoder begin at its start tokens, where a table does not say more")
  func windows() throws {
    let table = try TextFixtures.clip.get().encode("a red panda", windows: 2)
    #expect(
      table.segments == [
        TokenTable.Segment(start: 0, words: 1..<4, end: 4, padding: 5..<77),
        TokenTable.Segment(start: 77, words: 78..<78, end: 78, padding: 79..<154),
      ])
    #expect(table.encoderStarts == [0] && table.ends == [4] && table.end == 4)
    #expect(try WordReference("<end>").tokens(in: table) == [4])
  }

  @Test("Without segments, every token is of the first text encoder")
  func noSegments() throws {
    let data = try JSONEncoder().encode(Self.t5)
    var fields = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    fields["segments"] = [Any]()
    let table = try JSONDecoder().decode(
      TokenTable.self, from: JSONSerialization.data(withJSONObject: fields))
    #expect(table.segments.isEmpty && table.encoderStarts == [0] && table.ends == [11])
  }

  @Test("A table is read back from its JSON; what names no token or word of it is refused")
  func json() throws {
    let data = try JSONEncoder().encode(Self.chat)
    #expect(try JSONDecoder().decode(TokenTable.self, from: data) == Self.chat)
    let text = String(decoding: data, as: UTF8.self)
    for (good, bad) in [
      ("\"padding\":[6,8]", "\"padding\":[6,99]"), ("\"padding\":[6,8]", "\"padding\":[8,6]"),
      ("\"padding\":[6,8]", "\"padding\":[6,7,8]"), ("\"padding\":[6,8]", "\"padding\":[-1,8]"),
      ("\"words\":[1,5]", "\"words\":[9,12]"),
      ("\"word\":1", "\"word\":3"), ("\"word\":2", "\"word\":-1"),
      ("\"tokens\":[1,10]", "\"tokens\":[1,14]"), ("\"tokens\":[1,10]", "\"tokens\":[\(Int.max)]"),
      ("\"words\":[1,5]", "\"words\":[1,\(Int.max)]"),
      ("\"padding\":[6,8]", "\"padding\":[6,\(1 << 40)]"), ("\"end\":5", "\"end\":\(Int.max)"),
      ("\"padding\":[6,8]", "\"padding\":[\(Int.max),\(Int.max)]"),
    ] {
      #expect(text.contains(good))
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(TokenTable.self, from: Data(text.replacing(good, with: bad).utf8))
      }
    }
  }
}
