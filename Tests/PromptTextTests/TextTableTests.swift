import Foundation
import PromptText
import Testing

@Suite("The table of tokens")
struct TextTableTests {
  @Test("For a reader it is aligned, ends at the end token, and numbers words that come again")
  func text() throws {
    let table = try TextFixtures.clip.get().encode("A porcupine and a \u{1B}[31m")
    #expect(
      table.text() == #"""
        index     id  piece            word
            0  49406  <|startoftext|>  <start>
            1    320  a</w>            a#1
            2    817  por              porcupine
            3   5059  cup              porcupine
            4    715  ine</w>          porcupine
            5    537  and</w>          and
            6    320  a</w>            a#2
            7    215  ě                \u{1b}[
            8    314  [</w>            \u{1b}[
            9    274  3</w>            31m
           10    272  1</w>            31m
           11    332  m</w>            31m
           12  49407  <|endoftext|>    <end>
        """#)
  }

  struct Line: Decodable, Equatable {
    struct Token: Decodable, Equatable {
      let index: Int
      let id: Int
      let piece: String
      let range: [Int]?
    }

    struct Word: Decodable, Equatable {
      let text: String
      let occurrence: Int
      let tokens: [Int]
      let range: [Int]
    }

    let text: String
    let ids: [Int]
    let tokens: [Token]
    let words: [Word]
    let left_out: [String]?
  }

  @Test("For a program it is one JSON object on one line, whatever the prompt")
  func json() throws {
    let clip = try TextFixtures.clip.get()
    for expected in try TextFixtures.decode([TextFixtures.Case].self, "text/nasty.json") {
      let table = clip.encode(expected.text)
      let line = table.jsonLine()
      #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
      let decoded = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
      #expect(Array(decoded.text.utf8) == Array(expected.text.utf8))
      #expect(decoded.ids == expected.ids)
      #expect(decoded.tokens.map(\.id) == expected.ids)
      #expect(decoded.tokens.map(\.piece) == table.tokens[...table.end].map(\.piece))
      #expect(decoded.words.map(\.tokens) == table.words.map(\.tokens))
      #expect((decoded.left_out ?? []) == table.leftOut)
    }
  }

  @Test("The keys come in a fixed order")
  func keyOrder() throws {
    let line = try TextFixtures.clip.get().encode("a \"cat\"").jsonLine()
    #expect(
      line == #"{"text": "a \"cat\"", "ids": [49406, 320, 257, 2368, 257, 49407], "tokens": ["#
        + #"{"index": 0, "id": 49406, "piece": "<|startoftext|>", "range": null}, "#
        + #"{"index": 1, "id": 320, "piece": "a</w>", "range": [0, 1]}, "#
        + #"{"index": 2, "id": 257, "piece": "\"</w>", "range": [2, 3]}, "#
        + #"{"index": 3, "id": 2368, "piece": "cat</w>", "range": [3, 6]}, "#
        + #"{"index": 4, "id": 257, "piece": "\"</w>", "range": [6, 7]}, "#
        + #"{"index": 5, "id": 49407, "piece": "<|endoftext|>", "range": null}], "words": ["#
        + #"{"text": "a", "occurrence": 1, "tokens": [1], "range": [0, 1]}, "#
        + #"{"text": "\"", "occurrence": 1, "tokens": [2], "range": [2, 3]}, "#
        + #"{"text": "cat", "occurrence": 1, "tokens": [3], "range": [3, 6]}, "#
        + #"{"text": "\"", "occurrence": 2, "tokens": [4], "range": [6, 7]}]}"#)
  }
}
