import Foundation
import PromptText
import TestSupport
import Testing

/// Runs of one method with a knob turned, and what `analyze` says of what methods come to.
@Suite("heed sweep")
struct SweepCommandTests {
  /// A row of the tables of `sweep` and of the report `outcome`.
  private struct Row: Decodable {
    let prompt: String?
    let method: String
    let seed: String?
    let weakest_score, weakest_score_end, forward, backward: Double
    let overlap, seconds: Double?
  }
  private struct Table<Row: Decodable>: Decodable { let rows: [Row] }

  private static let prompt = "a cat and a frog"
  private static let place = "runs/a-cat-and-a-frog"
  private static let few = ["--steps", "4", "--max-iter-to-alter", "2"]

  private func run(_ arguments: [String], in folder: TemporaryFolder) throws -> HeedProcess.Result {
    let result = try HeedProcess.run(arguments, in: folder.path)
    #expect(result.status == 0, "\(arguments): \(result.stderr)")
    return result
  }

  private func rows(_ result: HeedProcess.Result) throws -> [Row] {
    try JSONDecoder().decode(Table<Row>.self, from: Data(result.stdout.utf8)).rows
  }

  @Test("Each value is the run that generate makes with the option, in a folder of its own")
  func values() throws {
    let folder = try TemporaryFolder()
    let sweep =
      [
        "sweep", Self.prompt, "--vary", "step-size=5,40.5", "--seeds", "1,3", "--thresholds",
        "0=0.9",
      ]
      + Self.few
    let first = try run(sweep, in: folder)
    for (value, name) in [("5", "5"), ("40.5", "40.5")] {
      let made = try run(
        ["generate", Self.prompt, "--seeds", "3", "--scale-factor", value, "-o", "o\(value)"]
          + ["--thresholds", "0=0.9"] + Self.few, in: folder)
      let alone = made.stdout.trimmingCharacters(in: .newlines)
      let swept = "\(Self.place)/attend-and-excite+scale-factor-\(name)/seed-3"
      for file in ["latent.npy", "losses.csv"] {
        let bytes = folder.bytes("\(alone)/\(file)")
        #expect(folder.bytes("\(swept)/\(file)") == bytes && !bytes.isEmpty)
      }
      #expect(folder.text(swept + "/run.json").contains("\"scale-factor\" : \"\(Double(value)!)\""))
    }
    #expect(!folder.bytes(Self.place + "/attend-and-excite+scale-factor.pdf").isEmpty)
    let lines = first.stdout.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(lines.map { String($0[0]) } == ["scale-factor", "5", "40.5"])
    let again = try run(sweep, in: folder)
    #expect(again.stdout == first.stdout && again.stderr.contains("seed 3: complete in"))
    let sheet = try run(
      ["sheet", Self.place, "--layout", "sweep", "--knob", "scale-factor", "-o", "again.pdf"],
      in: folder)
    #expect(sheet.status == 0)
    #expect(try run(["check", "runs"], in: folder).status == 0)
  }

  @Test("A run of a sweep is made again without a word, at the value that it has")
  func causal() throws {
    let folder = try TemporaryFolder()
    _ = try run(
      ["sweep", Self.prompt, "--vary", "guidance-scale=2,9", "--method", "stable-diffusion"]
        + ["--steps", "2", "--seeds", "1"], in: folder)
    let run = "\(Self.place)/stable-diffusion+guidance-scale-9/seed-1"
    let result = try self.run(["causal", run, "--drop", "frog"], in: folder)
    #expect(result.stdout.contains("guidance-scale-9+drop-frog/seed-1"))
    let changed = "\(Self.place)/stable-diffusion+guidance-scale-9+drop-frog/seed-1"
    #expect(folder.text(changed + "/run.json").contains("\"guidanceScale\" : 9"))
  }

  @Test(
    "Switches, words and lists with commas are knobs too",
    arguments: [
      (["--vary", "smooth=true,false"], ["smooth-true", "smooth-false"]),
      (
        ["--vary", "thresholds=none;0=0.05,1=0.5"], ["thresholds-none", "thresholds-0-0-05-1-0-5-"]
      ),
      (
        ["--method", "prompt-to-prompt", "--vary", "reweight=frog=1,frog=4"],
        ["reweight-frog-1-0-", "reweight-frog-4-0-"]
      ),
      (["--method", "divide-and-bind", "--vary", "objective-form=paper,code"], ["paper", "code"]),
      (["--method", "conform", "--vary", "objective-form=paper,code"], ["paper", "code"]),
      (
        ["--scheduler", "euler", "--vary", "loss-input=scaled,unscaled"], ["scaled", "unscaled"]
      ),
      (
        ["--method", "prompt-to-prompt", "--reweight", "frog=2"]
          + ["--vary", "reweight-form=own,source"], ["own", "source"]
      ),
    ])
  func knobs(_ arguments: [String], _ names: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try run(
      ["sweep", Self.prompt, "--steps", "2", "--seeds", "0", "--csv"] + arguments, in: folder)
    #expect(result.stdout.split(separator: "\r\n").count == 1 + names.count)
    let made = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(Self.place)")
    for name in names { #expect(made.contains { $0.contains(name) }, "\(made)") }
    #expect(made.count { !$0.hasSuffix(".pdf") && !$0.hasSuffix(".png") } == 2)
  }

  static let refusals: [([String], [String])] = [
    (["step-size"], ["--vary is 'step-size'", "step-size=5,10,20"]),
    (["=5"], ["--vary is '=5'"]),
    (["step-size=5,,6"], ["--vary is"]),
    (["step-size=5,5.0"], ["scale-factor the value 5 twice"]),
    (["step-size=5,x"], ["--scale-factor is 'x'; expected 0 to 1000000"]),
    (["step-size=5,-1"], ["--scale-factor is '-1'; expected 0 to"]),
    (["nothing=5"], ["'nothing', which is not a knob of attend-and-excite"]),
    (["seeds=5"], ["'seeds', which is not a knob of", "scale-factor", "guidance-scale"]),
    (["temperature=1,2"], ["'temperature', which is not a knob of attend-and-excite"]),
    (["guidance-scale=x"], ["--vary gives guidance-scale 'x'; expected a number"]),
    (["step-size=5", "--scale-factor", "7"], ["--vary sets scale-factor", "given too"]),
    (["scale-factor=5", "--step-size=7"], ["--vary sets scale-factor", "given too"]),
    (["smooth=true,false", "--no-smooth"], ["--smooth cannot be given too"]),
    (["smooth=maybe"], ["--smooth is 'maybe'; expected true or false"]),
    (["step-size=5", "--method", "structure"], ["'step-size', which is not a knob of structure"]),
    (["step-size=5", "--method", "foo"], ["--method is 'foo'; expected"]),
    (["step-size=5", "--json", "--csv"], ["either --json or --csv"]),
  ]

  @Test("What cannot be varied is refused in one line, and nothing is made", arguments: refusals)
  func refused(_ arguments: [String], _ words: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["sweep", Self.prompt, "--vary"] + arguments, in: folder.path)
    expectRefusal(result, 64, words)
    #expect(folder.names.isEmpty)
  }

  @Test("Passes are those of the journal, and those of other prompts besides")
  func passes() throws {
    let folder = try TemporaryFolder()
    let others = ["composable": 2 * 4, "prompt-to-prompt": 2 * 4]
    _ = try run(
      [
        "compare", Self.prompt, "--seeds", "3", "--thresholds", "0=1", "--source",
        "a dog and a car",
      ]
        + ["--methods", "stable-diffusion,attend-and-excite,conform,composable,prompt-to-prompt"]
        + Self.few, in: folder)
    let rows = try rows(
      try run(["analyze", "runs", "--report", "outcome", "--json"], in: folder))
    #expect(rows.count == 5)
    for row in rows {
      let journal = folder.text("\(Self.place)/\(row.method)/seed-3/calls.jsonl")
      let calls = journal.split(separator: "\n")
      #expect(Int(row.forward) == calls.count + others[row.method, default: 0], "\(row)")
      // The first loss and each try but the last are descended on, and the loss of each alteration.
      let looks = calls.count { !$0.contains("\"denoise\"") }
      #expect(Int(row.backward) <= looks && (row.backward > 0) == (looks > 0), "\(row)")
    }
    let unguided = try run(
      ["generate", Self.prompt, "--method", "stable-diffusion", "--guidance-scale", "1"]
        + ["--steps", "4", "-o", "unguided"], in: folder)
    let path = unguided.stdout.trimmingCharacters(in: .newlines)
    #expect(folder.text(path + "/run.json").contains("\"forward\" : 4"))
  }

  @Test("Outcomes agree with the reports that they bring together, and are merged over prompts")
  func outcome() throws {
    struct Neglect: Decodable {
      struct Run: Decodable {
        let prompt, method: String
        let seed: Int
        struct Subject: Decodable { let score: Double }
        let subjects: [Subject]
      }
      let runs: [Run]
    }
    struct Overlap: Decodable { let soft_jaccard: Double }
    struct Merged: Decodable { let method: String, n, weakest_score, weakest_score_low: Double }
    let folder = try TemporaryFolder()
    for prompt in [Self.prompt, "a dog and a car"] {
      _ = try run(
        ["compare", prompt, "--seeds", "1,2", "--steps", "6", "--max-iter-to-alter", "5"],
        in: folder)
    }
    func analyzed<Value: Decodable>(_ arguments: [String], as: Value.Type) throws -> Value {
      let result = try run(["analyze", "runs", "--json"] + arguments, in: folder)
      return try JSONDecoder().decode(Value.self, from: Data(result.stdout.utf8))
    }
    let rows = try analyzed(["--report", "outcome"], as: Table<Row>.self).rows
    // The last fifth of the first half of six steps.
    let neglect = try analyzed(["--window", "2..2"], as: Neglect.self).runs
    let end = try analyzed(["--window", "4..5"], as: Neglect.self).runs
    let overlap = try analyzed(["--report", "overlap"], as: Table<Overlap>.self).rows
    #expect(rows.count == 8 && neglect.count == 8 && overlap.count == 8)
    for index in rows.indices {
      func score(_ runs: [Neglect.Run]) throws -> Double {
        let row = rows[index]
        let run = try #require(
          runs.first {
            $0.prompt == row.prompt && $0.method == row.method && String($0.seed) == row.seed
          })
        return try #require(run.subjects.map(\.score).min())
      }
      let (weakest, last) = (try score(neglect), try score(end))
      #expect(abs(rows[index].weakest_score - weakest) < 1e-6)
      #expect(abs(rows[index].weakest_score_end - last) < 1e-6)
      #expect(try abs(#require(rows[index].overlap) - overlap[index].soft_jaccard) < 1e-9)
    }
    let merged = try analyzed(
      ["--report", "outcome", "--over-prompts"], as: Table<Merged>.self
    ).rows
    #expect(merged.map(\.method) == ["attend-and-excite", "stable-diffusion"])
    for row in merged {
      let own = rows.filter { $0.method == row.method }.map(\.weakest_score)
      #expect(row.n == 4 && abs(row.weakest_score - own.reduce(0, +) / 4) < 1e-9)
      #expect(row.weakest_score_low <= row.weakest_score)
    }
  }
}
