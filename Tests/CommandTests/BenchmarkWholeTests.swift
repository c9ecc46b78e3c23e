import AttentionTrace
import Evaluation
import Foundation
import PromptText
import TestSupport
import Testing

/// A small benchmark from its suite to its table, as the evaluation of the paper is made.
@Suite("A benchmark as a whole")
struct BenchmarkWholeTests {
  private static let methods = ["stable-diffusion", "attend-and-excite", "prompt-to-prompt"]

  /// The first two prompts of each subset of the built-in suite.
  private static func suite() throws -> String {
    let all = try Suite.find("attend-and-excite", format: nil).prompts
    let subsets = Set(all.compactMap(\.subset)).sorted()
    #expect(subsets.count == 3)
    let some = subsets.flatMap { subset in all.filter { $0.subset == subset }.prefix(2) }
    return Suite(name: "six", prompts: some).lines
  }

  @Test("Six prompts by three methods from two seeds are made, scored and tabulated")
  func whole() throws {
    let folder = try TemporaryFolder()
    try Data(try Self.suite().utf8).write(to: URL(fileURLWithPath: folder.path + "/s.jsonl"))
    func heed(_ words: String...) throws -> HeedProcess.Result {
      let result = try HeedProcess.run(["benchmark"] + words, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
      return result
    }
    let made = try heed(
      "run", "--suite", "s.jsonl", "--seeds", "0..1", "--pack",
      "--methods", Self.methods.joined(separator: ","), "--reweight", "<subjects>=2")
    #expect(made.stderr.contains("36 runs are complete, 36 of them made now"))
    let bench = BenchmarkFolder(folder.path + "/bench")
    let suite = try Suite(bench.suite, format: .jsonl)
    for prompt in suite.prompts {
      for method in Self.methods {
        let run = try RecordedRun(bench.run(prompt.id, method, seed: 1).path)
        #expect(run.manifest.subjects.map(\.name) == prompt.subjects)
        #expect(!run.sites.isEmpty && run.sites.allSatisfy { $0.headIndices == [-1] })
        if method == "prompt-to-prompt" {
          #expect(
            run.manifest.request.method.knobs["reweight"]
              == prompt.subjects.map { "\($0)=2.0" }.joined(separator: ","))
        }
      }
    }
    _ = try heed("score")
    let json = try heed("table", "--format", "json").stdout
    let table = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let rows = try #require(table["rows"] as? [[String: Any]])
    #expect(rows.count == 4 * Self.methods.count)
    let scores = try ScoreFile.all(in: bench.scores)
    for row in rows {
      let ids = suite.prompts.filter {
        row["subset"] is NSNull || $0.subset == row["subset"] as? String
      }
      .map(\.id)
      #expect(row["pictures"] as? Int == 2 * ids.count && row["prompts"] as? Int == ids.count)
      for (scorer, name) in [
        ("clip", "full"), ("clip", "minimum"), ("owl", "all"), ("blip", "text-text"),
      ] {
        let values = scores.filter {
          $0.scorer == scorer && $0.method == row["method"] as? String && ids.contains($0.id)
        }.compactMap { $0.values[name] }
        #expect(values.count == 2 * ids.count)
        let mean = values.reduce(0, +) / Double(values.count)
        let key = "\(scorer)_\(name)"
        let (estimate, low, high) = (
          try #require(row[key] as? Double), try #require(row[key + "_low"] as? Double),
          try #require(row[key + "_high"] as? Double)
        )
        #expect(abs(estimate - mean) < 1e-9 && low <= mean && mean <= high, "\(key)")
      }
    }
    // What Attend-and-Excite is for.
    func found(_ method: String) -> Double? {
      rows.first { $0["subset"] is NSNull && $0["method"] as? String == method }?["owl_found"]
        as? Double
    }
    let (without, with) = (
      try #require(found(Self.methods[0])), try #require(found(Self.methods[1]))
    )
    #expect(with > without)
  }
}
