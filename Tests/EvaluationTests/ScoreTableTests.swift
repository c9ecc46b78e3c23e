import Evaluation
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
}
