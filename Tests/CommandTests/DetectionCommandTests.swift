import AttentionAnalysis
import AttentionTrace
import Evaluation
import Foundation
import PromptText
import TestSupport
import Testing

/// `heed analyze --report detection` and `--boxes`, over a small benchmark and over plain runs.
@Suite("Maps against a detector, as commands")
struct DetectionCommandTests {
  private static let suite = """
    {"id": "p1", "prompt": "a bear and a red car", "subjects": ["bear", "car"], "attributes": {"car": "red"}}
    {"id": "p2", "prompt": "a cat and a frog", "subjects": ["cat", "frog"]}
    {"id": "p3", "prompt": "a dog and a bird", "subjects": ["dog", "bird"]}

    """

  /// A benchmark of twelve runs with scores.
  private func bench(scored: Bool = true) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("s.jsonl", Self.suite.utf8)
    let made = try heed(
      [
        "benchmark", "run", "--suite", "s.jsonl", "--seeds", "0..1", "--steps", "6", "-o", "bench",
        "--methods", "stable-diffusion,attend-and-excite",
      ], in: folder)
    #expect(made.status == 0, "\(made.stderr)")
    guard scored else { return folder }
    let scores = try heed(["benchmark", "score", "bench", "--scorers", "owl"], in: folder)
    #expect(scores.status == 0, "\(scores.stderr)")
    return folder
  }

  private func heed(
    _ arguments: [String], in folder: TemporaryFolder
  ) throws -> HeedProcess.Result {
    try HeedProcess.run(arguments, in: folder.path)
  }

  private func detection(
    _ arguments: [String], in folder: TemporaryFolder
  ) throws -> HeedProcess.Result {
    try heed(["analyze", "--report", "detection"] + arguments, in: folder)
  }

  private struct Document: Decodable {
    struct Interval: Decodable, Equatable { let estimate, low, high: Double?, n: Int }
    struct Answer: Decodable { let both, mapsAlone, detectorAlone, neither: Int }
    struct Method: Decodable {
      let method: String?
      let words, pictures, prompts, found: Int
      let missing: [String: Answer]
      let attentionInside, boxShare, difference, rocArea: Interval
    }
    struct Word: Decodable {
      let run, prompt, method: String
      let seed: UInt64
      let subject: String
      let verdict: NeglectVerdict
      let score: Double?
      let isFound: Bool
      let detectorScore: Double
      let box: [Double]
      let attentionInside, boxShare: Double?
    }
    struct Omission: Decodable { let reason: String, runs: [String] }
    let detector: String
    let methods: [Method]
    let words: [Word]
    let notCounted: [Omission]
  }

  private func document(
    _ arguments: [String], in folder: TemporaryFolder
  ) throws -> Document {
    let result = try detection(arguments + ["--json"], in: folder)
    #expect(result.status == 0, "\(result.stderr)")
    return try JSONDecoder().decode(Document.self, from: Data(result.stdout.utf8))
  }

  /// The lines of the benchmark's scores.
  private func scores(in folder: TemporaryFolder) throws -> [PictureScore] {
    try folder.text("bench/scores/owl.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(PictureScore.self, from: Data($0.utf8))
    }
  }

  private func write(_ scores: [PictureScore], in folder: TemporaryFolder) throws {
    let lines = try scores.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    try folder.write("bench/scores/owl.jsonl", (lines.joined(separator: "\n") + "\n").utf8)
  }

  @Test(
    "Every word has the verdict of the neglect report and the finding of the scores, and is counted once"
  )
  func benchmark() throws {
    let folder = try bench()
    let report = try document(["bench"], in: folder)
    let scores = try scores(in: folder)
    #expect(report.words.count == 24 && report.notCounted.isEmpty)
    #expect(report.detector == scores[0].model)
    #expect(
      report.methods.map { $0.method ?? "all" } == ["stable-diffusion", "attend-and-excite", "all"])
    for word in report.words {
      let run = try RecordedRun(folder.path + "/" + word.run)
      let subject = try #require(
        NeglectReport(run).subjects.first { $0.subject.name == word.subject })
      #expect(word.verdict == subject.verdict && word.score == Double(subject.score))
      let score = try #require(
        scores.first {
          ($0.id, $0.method, $0.seed) == (word.prompt, word.method, word.seed)
        })
      let seen = try #require(score.detections?.first { $0.subject == word.subject })
      #expect((word.isFound, word.detectorScore) == (seen.isFound, seen.score))
      #expect(word.box == seen.box)
      // What of the map's cells has its centre in the box is near to what lies in it.
      let map = try run.map(of: word.subject, by: Recipe(layers: Recipe.lossGrid)).map
      let (rows, columns) = (map.grid.rows, map.grid.columns)
      var (inside, sum) = (0.0, 0.0)
      for row in 0..<(20 * rows) {
        for column in 0..<(20 * columns) {
          let value = Double(map.values[row / 20 * columns + column / 20])
          let (x, y) = (
            (Double(column) + 0.5) / Double(20 * columns), (Double(row) + 0.5) / Double(20 * rows)
          )
          sum += value
          if x > seen.box[0], x < seen.box[2], y > seen.box[1], y < seen.box[3] { inside += value }
        }
      }
      #expect(abs((word.attentionInside ?? .nan) - inside / sum) < 0.01)
    }
    for method in report.methods {
      let words = report.words.filter { method.method == nil || $0.method == method.method }
      #expect(method.words == words.count && method.found == words.count(where: \.isFound))
      for (rule, verdicts) in [
        ("neglected", [.neglected, .lost]), ("weak", [.neglected, .lost, .weak]),
      ] as [(String, [NeglectVerdict])] {
        let answer = try #require(method.missing[rule])
        func count(_ isSaid: Bool, _ isFound: Bool) -> Int {
          words.count { verdicts.contains($0.verdict) == isSaid && $0.isFound == isFound }
        }
        #expect(answer.both == count(true, false) && answer.mapsAlone == count(true, true))
        #expect(answer.detectorAlone == count(false, false) && answer.neither == count(false, true))
      }
      let seen = words.filter(\.isFound)
      #expect(method.attentionInside.n == seen.count)
      if !seen.isEmpty {
        let mean = seen.reduce(0) { $0 + ($1.attentionInside ?? .nan) } / Double(seen.count)
        #expect(abs((method.attentionInside.estimate ?? .nan) - mean) < 1e-9)
      }
    }
    let text = try detection(["bench"], in: folder)
    #expect(text.status == 0 && text.stdout.contains("all methods"))
    #expect(text.stderr.contains("by the benchmark's scores"))
  }

  @Test("The detector that is asked about the pictures says what the scores say, and is named")
  func asked() throws {
    let folder = try bench()
    let scored = try document(["bench"], in: folder)
    try folder.remove("bench/scores")
    let asked = try document(["bench"], in: folder)
    #expect(asked.words.map(\.isFound) == scored.words.map(\.isFound))
    #expect(asked.words.map(\.verdict) == scored.words.map(\.verdict))
    #expect(asked.words.map(\.prompt) == scored.words.map(\.prompt))
    #expect(asked.detector == scored.detector)
    // A plain run of the same noise, outside of any benchmark.
    try FileManager.default.copyItem(
      atPath: folder.path + "/bench/runs/p2", toPath: folder.path + "/plain")
    let plain = try document(["plain"], in: folder)
    #expect(Set(plain.words.map(\.prompt)) == ["a cat and a frog"])
    let same = scored.words.filter { $0.prompt == "p2" }
    #expect(
      plain.words.map(\.detectorScore)
        == asked.words.filter { $0.prompt == "p2" }.map(\.detectorScore))
    #expect(plain.words.map(\.isFound) == same.map(\.isFound))
    // One prompt says nothing of others.
    #expect(plain.methods.allSatisfy { $0.boxShare.low == nil })
    try folder.remove("plain/stable-diffusion/seed-0/image.png")
    let rest = try document(["plain"], in: folder)
    #expect(rest.words.count == plain.words.count - 2)
    #expect(rest.notCounted.map(\.reason) == ["noPicture"])
    let tiny = "\(Repository.root)/Tests/EvaluationTests/Fixtures/owlvit-tiny"
    let other = try document(["bench", "--owl", tiny], in: folder)
    #expect(other.detector.contains("owlvit-tiny") && other.detector.contains("threshold 0.1"))
  }

  @Test("What cannot be compared is counted and said, in one line for each reason")
  func omitted() throws {
    let folder = try bench()
    let all = try scores(in: folder)
    // One picture without a score, and one run that is not complete.
    try write(
      all.filter { !($0.id == "p1" && $0.method == "stable-diffusion" && $0.seed == 0) }, in: folder
    )
    let running = "bench/runs/p2/stable-diffusion/seed-1/run.json"
    try folder.write(
      running,
      folder.text(running).replacing("\"status\" : \"complete\"", with: "\"status\" : \"running\"")
        .replacing("\"status\":\"complete\"", with: "\"status\":\"running\"").utf8)
    let report = try document(["bench"], in: folder)
    #expect(report.words.count == 20)
    #expect(Set(report.notCounted.map(\.reason)) == ["notScored", "noPicture"])
    let text = try detection(["bench"], in: folder)
    #expect(
      text.stderr.contains(
        "1 run left out, without a score of the detector (heed benchmark score makes it): "
          + "bench/runs/p1/stable-diffusion/seed-0"))
    #expect(
      text.stderr.contains(
        "1 run left out, not complete or without a picture: bench/runs/p2/stable-diffusion/seed-1"))
    // Nothing is left.
    let none = try detection(["bench/runs/p2/stable-diffusion/seed-1"], in: folder)
    #expect(none.status == 69 && none.messages.last?.hasPrefix("heed: no run has") == true)
  }

  @Test(
    "Scores that are damaged, of another benchmark, of two models or of two minds are refused",
    arguments: [
      (#"{"scorer"#, 65, "is cut off"), ("{}\n", 65, "expected the score of a picture"),
      ("ID", 65, "the scores are of another benchmark"),
      ("SUBJECT", 65, "the scores are of another benchmark"), ("MODEL", 65, "expected one model"),
      ("TWICE", 65, "twice, and differently"),
    ] as [(String, Int32, String)])
  func refused(_ fault: String, _ status: Int32, _ words: String) throws {
    let folder = try bench()
    var all = try scores(in: folder)
    func changed(
      id: String? = nil, model: String? = nil, subject: String? = nil, score: Double? = nil
    ) -> PictureScore {
      let one = all[0]
      return PictureScore(
        scorer: one.scorer, model: model ?? one.model, id: id ?? one.id, method: one.method,
        seed: one.seed, values: one.values,
        detections: one.detections?.map {
          SubjectDetection(
            subject: subject ?? $0.subject, score: score ?? $0.score, box: $0.box,
            isFound: $0.isFound)
        })
    }
    switch fault {
    case "ID": all[0] = changed(id: "p9")
    case "SUBJECT": all[0] = changed(subject: "zebra")
    case "MODEL": all[1] = changed(model: "another")
    case "TWICE": all.append(changed(score: 0.123))
    default: break
    }
    try write(all, in: folder)
    if all.count == 12, ["{}\n", #"{"scorer"#].contains(fault) {
      try folder.write(
        "bench/scores/owl.jsonl", (folder.text("bench/scores/owl.jsonl") + fault).utf8)
    }
    for arguments in [
      ["analyze", "bench", "--report", "detection"],
      ["sheet", "bench/runs/p1", "--boxes", "-o", "x.png"],
      ["report", "bench/runs/p1", "--boxes", "-o", "x.html"],
    ] {
      let result = try heed(arguments, in: folder)
      #expect(result.status == status && result.messages.count == 1, "\(result.stderr)")
      #expect(result.stderr.contains(words), "\(result.stderr)")
    }
    #expect(!folder.names.contains("x.png") && !folder.names.contains("x.html"))
  }

  @Test(
    "Runs in folders of other prompts, damaged pictures and options that nothing reads are refused")
  func bad() throws {
    let folder = try bench()
    try FileManager.default.copyItem(
      atPath: folder.path + "/bench/runs/p1/stable-diffusion/seed-0",
      toPath: folder.path + "/elsewhere")
    for (arguments, status, words) in [
      (["bench", "--by", "step"], 64, "does not use --by"),
      (["bench", "--tokens", "cat"], 64, "does not use --tokens"),
      (["bench", "--over-seeds"], 64, "does not use --over-seeds"),
      (["bench", "--owl", "absent"], 66, "absent"),
      (["bench", "elsewhere", "--owl", "absent"], 66, "absent"),
      (["bench", "--json", "--latex"], 64, "Give one of"),
      (["bench/runs/p1/stable-diffusion/seed-0", "bench/runs/p1"], 65, "both are seed 0"),
    ] as [([String], Int32, String)] {
      let result = try detection(arguments, in: folder)
      #expect(result.status == status, "\(arguments): \(result.stderr)")
      #expect(result.stderr.contains(words), "\(result.stderr)")
    }
    let neglect = try heed(["analyze", "bench", "--owl", "x"], in: folder)
    #expect(neglect.status == 64 && neglect.stderr.contains("--report neglect does not use --owl"))
    try folder.write("elsewhere/image.png", [1, 2, 3])
    let damaged = try detection(["elsewhere"], in: folder)
    #expect(damaged.status == 65 && damaged.stderr.contains("elsewhere/image.png"))
    // A run of another prompt in the place of one.
    try folder.remove("bench/runs/p2/stable-diffusion/seed-0")
    try FileManager.default.copyItem(
      atPath: folder.path + "/bench/runs/p3/stable-diffusion/seed-0",
      toPath: folder.path + "/bench/runs/p2/stable-diffusion/seed-0")
    let misplaced = try detection(["bench"], in: folder)
    #expect(misplaced.status == 65, "\(misplaced.stderr)")
    #expect(misplaced.stderr.contains("bench/runs/p2/stable-diffusion/seed-0: expected a run of"))
    #expect(misplaced.stderr.contains("a cat and a frog") && misplaced.messages.count == 1)
    // And one of a prompt that the suite does not have.
    try FileManager.default.moveItem(
      atPath: folder.path + "/bench/runs/p2", toPath: folder.path + "/bench/runs/p7")
    let unknown = try detection(["bench"], in: folder)
    #expect(unknown.status == 65 && unknown.stderr.contains("bench/suite.jsonl, got p7"))
  }

  @Test("A run without maps where the loss reads counts in verdicts alone, a word twice in none")
  func parts() throws {
    let folder = try TemporaryFolder()
    for (prompt, more) in [
      ("a cat and a frog", ["--layers", "mid_block*"]),
      ("a cat and a cat", ["--tokens", "cat#1,cat#2"]),
      ("a dog and a bird", []),
    ] as [(String, [String])] {
      let made = try heed(
        ["generate", prompt, "--steps", "4", "-o", "runs"] + more, in: folder)
      #expect(made.status == 0, "\(made.stderr)")
    }
    let report = try document(["runs"], in: folder)
    #expect(Set(report.words.map(\.subject)) == ["cat", "frog", "dog", "bird"])
    for word in report.words {
      #expect((word.attentionInside == nil) == (word.prompt == "a cat and a frog"))
    }
    #expect(Set(report.notCounted.map(\.reason)) == ["noMaps", "repeatedWords"])
    #expect(report.notCounted.allSatisfy { $0.runs.count == 1 })
  }

  @Test("Boxes are drawn where a command draws pictures, from scores or by the detector")
  func boxes() throws {
    let folder = try bench()
    let scores = try scores(in: folder)
    let score = try #require(
      scores.first { ($0.id, $0.method, $0.seed) == ("p2", "stable-diffusion", 0) })
    func texts(_ name: String) -> String { folder.text(name) }
    for arguments in [
      ["sheet", "bench/runs/p2", "-o", "sheet.json"],
      ["sheet", "bench/runs/p2", "--layout", "methods", "-o", "sheet.json"],
    ] {
      let result = try heed(arguments + ["--boxes"], in: folder)
      #expect(result.status == 0, "\(result.stderr)")
      let scene = texts("sheet.json")
      for seen in try #require(score.detections) {
        #expect(scene.contains("box \(seen.subject)"))
        #expect(scene.contains(String(format: "%.2f", seen.score)))
      }
      #expect(scene.contains("sees each word best"))
    }
    let none = try heed(["sheet", "bench/runs/p2", "--layout", "curves", "--boxes"], in: folder)
    #expect(none.status == 64 && none.stderr.contains("does not use --boxes"))
    let alone = try heed(["sheet", "bench/runs/p2", "--owl", "x"], in: folder)
    #expect(alone.status == 64 && alone.stderr.contains("--owl is the detector of --boxes"))
    let report = try heed(["report", "bench/runs/p2", "--boxes"], in: folder)
    #expect(report.status == 0 && folder.text("report.html").contains("<svg class=\"boxes\""))
    // A picture without a score has no boxes, and that is said.
    try write(scores.filter { $0.seed != 0 }, in: folder)
    let partial = try heed(["sheet", "bench/runs/p2", "--boxes", "-o", "p.json"], in: folder)
    #expect(partial.status == 0 && partial.stderr.contains("no boxes in 2 pictures"))
    #expect(partial.stderr.contains("heed benchmark score"))
    // Fresh runs are shown to the detector.
    let compared = try heed(
      ["compare", "a cat and a frog", "--seeds", "0", "--steps", "4", "--boxes"], in: folder)
    #expect(compared.status == 0 && compared.stderr.contains("detector: "), "\(compared.stderr)")
    let photo = "\(Repository.root)/Tests/EvaluationTests/Fixtures/scores/cat.png"
    let explained = try heed(["explain", photo, "a cat and a frog", "--boxes"], in: folder)
    #expect(explained.status == 0 && explained.stderr.contains("detector: "), "\(explained.stderr)")
  }
}
