import Evaluation
import Foundation
import Testing

/// What tables of scores say besides their numbers.
@Suite("Score tables")
struct ScoreTableTests {
  @Test(
    "A table says in every form for reading whose noun phrases BLIP-VQA was asked about",
    arguments: [TabularFormat.text, .markdown, .latex])
  func phrases(format: TabularFormat) throws {
    let prompts = [
      SuitePrompt(id: "p", prompt: "a red car"), SuitePrompt(id: "q", prompt: "a frog"),
    ]
    let suite = Evaluation.Suite(name: "two", prompts: prompts)
    let record = BenchmarkRecord(
      suite: "two", model: "m", methods: [(name: "one", title: "One")], seeds: [0])
    func text(own: [Double]) throws -> String {
      let scores = zip(prompts, own).map { prompt, own in
        PictureScore(
          scorer: "blip-vqa", model: "m", id: prompt.id, method: "one", seed: 0,
          values: ["score": 0.5, "own-phrases": own])
      }
      return try ScoreTable(scores, of: suite, record: record, path: "scores").text(format)
    }
    #expect(try !text(own: [0, 0]).contains("Heed found"))
    #expect(try text(own: [1, 1]).contains("asks about noun phrases; Heed found them."))
    #expect(try text(own: [1, 0]).contains("where the suite names none, Heed found them."))
  }

  @Test(
    "A table for reading compares methods on the pictures that both have, also where one has more seeds",
    arguments: [TabularFormat.text, .markdown])
  func differences(format: TabularFormat) throws {
    let prompts = ["p", "q"].map { SuitePrompt(id: $0, prompt: "a frog") }
    let record = BenchmarkRecord(
      suite: "two", model: "m", methods: [("one", "One"), ("two", "Two")], seeds: [0, 1])
    // The first method's seed 1 is far worse, and the second has none of it.
    let scores = prompts.flatMap { prompt in
      [("one", 0, 0.5), ("one", 1, 0.1), ("two", 0, 0.75)].map { method, seed, value in
        PictureScore(
          scorer: "clip", model: "m", id: prompt.id, method: method, seed: UInt64(seed),
          values: ["full": value])
      }
    }
    let suite = Evaluation.Suite(name: "two", prompts: prompts)
    let text = try ScoreTable(scores, of: suite, record: record, path: "scores").text(format)
    #expect(text.contains("0.300 ["), "\(text)")
    #expect(text.contains("+0.250 [+0.250, +0.250]"), "\(text)")
    #expect(text.contains("Differences to One, on the same prompts and seeds"), "\(text)")
  }

  /// Two prompts by two methods: of the second, `owl` found colours in one picture of each prompt alone.
  private func partlyScored(_ isPartly: Bool) throws -> ScoreTable {
    let prompts = ["p", "q"].map { SuitePrompt(id: $0, prompt: "a frog") }
    let record = BenchmarkRecord(
      suite: "two", model: "m", methods: [("one", "One"), ("two", "Two")], seeds: [0, 1])
    let scores = prompts.flatMap { prompt in
      ["one", "two"].flatMap { method in
        (0..<2).map { seed in
          PictureScore(
            scorer: "owl", model: "m", id: prompt.id, method: method, seed: UInt64(seed),
            values: isPartly && method == "two" && seed == 1
              ? ["all": 1] : ["all": 1, "colours": 0.5])
        }
      }
    }
    return try ScoreTable(
      scores, of: Evaluation.Suite(name: "two", prompts: prompts), record: record, path: "scores")
  }

  @Test(
    "A number of other pictures than its row's says of how many, and a sentence below what that is",
    arguments: [TabularFormat.text, .markdown, .latex])
  func counts(format: TabularFormat) throws {
    let isLaTeX = format == .latex
    let text = try partlyScored(true).text(format, width: 80)
    let lines = text.components(separatedBy: "\n")
    let mean =
      isLaTeX
      ? "$0.500$ {\\scriptsize$[0.500, 0.500]$ (2)}" : "0.500 [0.500, 0.500] (2)"
    let difference =
      isLaTeX
      ? "$+0.000$ {\\scriptsize$[+0.000, +0.000]$ (2)}" : "+0.000 [+0.000, +0.000] (2)"
    #expect(text.components(separatedBy: mean).count == 2, "\(text)")
    #expect(text.components(separatedBy: difference).count == 2, "\(text)")
    #expect(!text.contains("(4)"), "\(text)")
    #expect(text.contains("A number in round brackets counts pictures, or pairs"), "\(text)")
    #expect(text.contains("same prompts and seeds; n counts pairs of pictures"), "\(text)")
    if format == .text { #expect(lines.allSatisfy { $0.count <= 80 }, "\(text)") }
    if isLaTeX {
      #expect(text.components(separatedBy: "\\begin{tabular}{llr").count == 3, "\(text)")
    }
    let whole = try partlyScored(false).text(format)
    #expect(!whole.contains("round brackets") && !whole.contains("(4)"), "\(whole)")
  }

  @Test(
    "n of a difference is the number of pairs of pictures", arguments: [TabularFormat.csv, .json])
  func pairs(format: TabularFormat) throws {
    let text = try partlyScored(true).text(format)
    if format == .csv {
      let rows = text.components(separatedBy: "\r\n").map { $0.components(separatedBy: ",") }
      let column = try #require(rows[0].firstIndex(of: "owl_colours_difference_n"))
      let all = try #require(rows[0].firstIndex(of: "owl_all_difference_n"))
      #expect(rows[1][column] == "" && rows[2][column] == "2" && rows[2][all] == "4", "\(text)")
    } else {
      #expect(text.contains("\"owl_colours_difference_n\" : 2"), "\(text)")
      #expect(text.contains("\"owl_colours_difference_n\" : null"), "\(text)")
    }
  }

  @Test("A table has the columns of the paper where nothing is scored so, or what is scored alone")
  func columns() throws {
    let prompts = [SuitePrompt(id: "p", prompt: "a frog")]
    let record = BenchmarkRecord(suite: "s", model: "m", methods: [("one", "One")], seeds: [0])
    let score = PictureScore(
      scorer: "judge", model: "m", id: "p", method: "one", seed: 0, values: ["v": 1])
    func titles(_ hasPaper: Bool) throws -> [String] {
      try ScoreTable(
        [score], of: Evaluation.Suite(name: "s", prompts: prompts), record: record,
        path: "scores", hasPaper: hasPaper
      ).scores.map(\.title)
    }
    #expect(try titles(true).count == 6)
    #expect(try titles(false) == ["judge v"])
  }
}
