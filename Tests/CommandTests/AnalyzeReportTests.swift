import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import Pictures
import PromptText
import TensorEngine
import TestSupport
import Testing

/// The reports of `heed analyze`, on runs that the command itself made.
@Suite("heed analyze")
struct AnalyzeReportTests {
  private static let root = "runs/a-cat-and-a-frog"

  private func compared(_ more: [String] = []) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["compare", "a cat and a frog", "--seeds", "0..1", "--steps", "6"] + more, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    return folder
  }

  private func analyze(
    _ folder: TemporaryFolder, _ arguments: [String]
  ) throws -> HeedProcess.Result {
    try HeedProcess.run(["analyze"] + arguments, in: folder.path)
  }

  /// The lines of a printed CSV as dictionaries; no field here is quoted.
  private func csv(_ folder: TemporaryFolder, _ arguments: [String]) throws -> [[String: String]] {
    let result = try analyze(folder, arguments + ["--csv"])
    #expect(result.status == 0, "\(result.stderr)")
    let lines = result.stdout.split(separator: "\r\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let titles = lines.first ?? []
    return lines.dropFirst().filter { $0.count == titles.count }.map {
      Dictionary(zip(titles, $0)) { $1 }
    }
  }

  @Test("The neglect report tells of each subject what the journal holds, and compares over seeds")
  func neglect() throws {
    struct Document: Decodable {
      struct Run: Decodable {
        struct Subject: Decodable {
          let name: String
          let verdict: String
          let score: Float
          let trajectory: [SubjectNeglect.Point]
          let share: Double
        }
        let run: String
        let window: [Int]
        let subjects: [Subject]
        let movements: [NeglectReport.Movement]
      }
      struct Change: Decodable {
        let subject: String?
        let seeds: [UInt64]
        let change: Double
      }
      let runs: [Run]
      let changes: [Change]
    }
    let folder = try compared()
    let result = try analyze(folder, ["runs", "--json"])
    let document = try JSONDecoder().decode(Document.self, from: Data(result.stdout.utf8))
    #expect(document.runs.count == 4)
    for run in document.runs {
      let recorded = try RecordedRun(folder.path + "/" + run.run)
      let measured = recorded.noisePredictions.compactMap(\.measurement)
      let isExcited = run.run.contains("attend-and-excite")
      // The first half of so few steps is altered; a plain run counts the first half.
      #expect(run.window == [2, 2])
      #expect(run.movements.count == (isExcited ? 6 : 0))
      for (index, subject) in run.subjects.enumerated() {
        #expect(subject.trajectory.map(\.score) == measured.map { $0.scores[index] })
        let inside = (run.window[0]...run.window[1]).map { measured[$0].scores[index] }
        #expect(abs(subject.score - inside.reduce(0, +) / Float(inside.count)) < 1e-6)
        #expect((0...1).contains(subject.share))
      }
    }
    #expect(document.changes.map(\.subject) == ["cat", "frog", nil])
    #expect(document.changes.allSatisfy { $0.seeds == [0, 1] })
    let text = try analyze(folder, ["runs"])
    #expect(text.status == 0 && text.stdout.contains("of 8 subjects have a high excitation score"))
    #expect(text.stdout.contains("0 → 0") || text.stdout.contains("1 → "))
    let strict = try analyze(
      folder, ["runs", "--neglected-below", "1.1", "--high-from", "1.2", "--fail-on-neglect"])
    #expect(strict.status == 1 && strict.stdout.contains("neglected"))
  }

  @Test("Every table names its recipe, and its rows are the runs', words and axes asked for")
  func tables() throws {
    let folder = try compared(["--layers", "*"])
    let statistics = try csv(
      folder, [Self.root, "--report", "statistics", "--by", "step", "--tokens", "cat,<end>"])
    #expect(statistics.count == 4 * 6 * 2)
    #expect(
      statistics[0]["recipe"] == "mean(head) mean(layer: 16x16) mean(step) conditional denoise")
    #expect(Set(statistics.map { $0["word"] }) == ["cat", "<end>"])
    let run = try RecordedRun(folder.path + "/" + Self.root + "/stable-diffusion/seed-1")
    let row = try #require(
      statistics.last {
        $0["method"] == "stable-diffusion" && $0["seed"] == "1" && $0["word"] == "cat"
      })
    let map = try run.aggregate(by: Recipe(layers: "16x16", steps: 5...5))
      .map(of: Subject(name: "cat", tokens: [2]))
    #expect(row["peak"].flatMap(Double.init) == Double(map.largest))
    let mass = try csv(
      folder,
      [Self.root, "--report", "mass", "--by", "layer,step", "--recipe", "mean(layer: *)"])
    #expect(mass.count == 4 * 6 * 7)
    for row in mass {
      let shares = ["start", "words", "end", "padding"].map { row[$0].flatMap(Double.init) ?? .nan }
      #expect(abs(shares.reduce(0, +) - 1) < 2e-3)
    }
    let over = try csv(folder, [Self.root, "--report", "overlap", "--over-seeds"])
    #expect(over.count == 2 && over.allSatisfy { $0["n"] == "2" && $0["cosine_low"] != nil })
    let binding = try csv(
      folder, [Self.root, "--report", "binding", "--bind", "a#1=cat,a#2=frog"])
    #expect(binding.count == 8)
    let steps = try csv(folder, [Self.root, "--report", "convergence"])
    #expect(steps.count == 4 * 5 * 2)
    let words = try csv(folder, [Self.root, "--report", "words"])
    #expect(words.count == 4 * 5)
  }

  @Test("A difference is excited less plain, in numbers and as maps")
  func difference() throws {
    let folder = try compared()
    let rows = try csv(folder, [Self.root, "--report", "difference", "-o", "maps"])
    #expect(rows.count == 4)
    let subjects = [Subject(name: "cat", tokens: [2]), Subject(name: "frog", tokens: [5])]
    for seed in 0...1 {
      let maps = try ["attend-and-excite", "stable-diffusion"].map { method in
        try RecordedRun("\(folder.path)/\(Self.root)/\(method)/seed-\(seed)")
          .maps(of: subjects, by: Recipe(layers: "16x16"))
      }
      for (index, subject) in subjects.enumerated() {
        let written = try NumpyFile(
          path: "\(folder.path)/maps/a-cat-and-a-frog/attend-and-excite/seed-\(seed)/"
            + "\(subject.name).npy"
        ).tensor()
        let expected = zip(maps[0][index].values, maps[1][index].values).map { $0 - $1 }
        #expect(written.values == expected && written.shape == [16, 16])
      }
    }
    expectRefusal(
      try analyze(folder, [Self.root + "/stable-diffusion", "--report", "difference"]), 64,
      ["by two methods", "Stable Diffusion seed 0"])
  }

  @Test("Head weights that were written serve a recipe")
  func heads() throws {
    let folder = try compared(["--layers", "*"])
    let rows = try csv(
      folder, [Self.root, "--report", "heads", "--classes", "animal=cat+frog", "-o", "weights"])
    #expect(rows.count == 4 * 7 * 4 && rows.allSatisfy { $0["wins"] == "1" })
    let weighted = try csv(
      folder,
      [
        Self.root, "--report", "statistics", "--recipe",
        "weighted(head: @weights/animal.weights.json) mean(layer: 8x8)",
      ])
    #expect(weighted.count == 8)
    expectRefusal(
      try analyze(
        folder,
        [
          Self.root, "--report", "statistics", "--recipe",
          "weighted(head: @no.json) mean(layer: 8x8)",
        ]),
      66, ["no.json"])
  }

  @Test("Masks of the picture's size are scored; others are refused with both sizes")
  func segmentation() throws {
    let folder = try compared()
    func mask(_ name: String, _ side: Int, _ columns: Range<Int>) throws {
      let pixels = (0..<side * side).flatMap { pixel in
        [UInt8](repeating: columns.contains(pixel % side) ? 255 : 0, count: 3)
      }
      try Picture(width: side, height: side, pixels: pixels).write(to: folder.path + "/" + name)
    }
    try mask("cat.png", 128, 0..<64)
    try mask("frog-0.png", 128, 64..<128)
    try mask("frog-1.png", 128, 64..<128)
    try mask("small.png", 64, 0..<32)
    let run = Self.root + "/attend-and-excite"
    let masks = "cat=cat.png,frog=frog-{seed}.png"
    let rows = try csv(
      folder, [run, "--report", "segmentation", "--masks", masks, "--thresholds", "0.3,0.5"])
    #expect(rows.count == 2 * 2 * 3)
    for row in rows {
      let iou = try #require(row["iou"].flatMap(Double.init))
      let ioa = try #require(row["ioa"].flatMap(Double.init))
      #expect((0...1).contains(iou) && iou <= ioa + 1e-12)
    }
    let matched = try csv(
      folder, [run, "--report", "segmentation", "--masks", masks, "--hungarian"])
    #expect(Set(matched.map { $0["map_of"] }) == ["cat", "frog"])
    #expect(Set(matched.map { $0["mask_of"] }) == ["cat", "frog"])
    expectRefusal(
      try analyze(folder, [run, "--report", "segmentation", "--masks", "cat=small.png"]), 65,
      ["small.png", "64x64", "128x128"])
    expectRefusal(
      try analyze(folder, [run, "--report", "segmentation", "--masks", "cat=none.png"]), 66,
      ["none.png"])
  }

  @Test("Relations of words are scored from a dependency file, whose bad lines are named")
  func relations() throws {
    let folder = try compared()
    let run = Self.root + "/stable-diffusion"
    try "relation,head,dependent\nconj,cat,frog\ndet,cat,a#1\ndet,frog,a#2\nobj,cat,dog\n".write(
      toFile: folder.path + "/words.csv", atomically: true, encoding: .utf8)
    let result = try analyze(
      folder, [run, "--report", "relations", "--dependencies", "words.csv", "--csv"])
    #expect(result.status == 0)
    #expect(result.messages.count == 2 && result.stderr.contains("obj(cat, dog)"))
    let lines = result.stdout.split(separator: "\r\n")
    #expect(lines.count == 3 && lines.contains { $0.hasPrefix("det,4,") })
    try "conj\tcat\n".write(
      toFile: folder.path + "/bad.tsv", atomically: true, encoding: .utf8)
    expectRefusal(
      try analyze(folder, [run, "--report", "relations", "--dependencies", "bad.tsv"]), 65,
      ["bad.tsv", "line 1"])
  }

  @Test("A run that was cut off is measured as far as it was acknowledged")
  func unfinished() throws {
    let folder = try compared()
    let path = folder.path + "/" + Self.root + "/stable-diffusion/seed-0"
    let lines = try String(contentsOfFile: path + "/calls.jsonl", encoding: .utf8)
      .split(separator: "\n").prefix(5)
    try (lines.joined(separator: "\n") + "\n{\"call\":").write(
      toFile: path + "/calls.jsonl", atomically: true, encoding: .utf8)
    let calls = try RecordedRun(path).noisePredictions.count
    #expect(calls == 2)
    let rows = try csv(folder, [path, "--report", "statistics", "--by", "step"])
    #expect(rows.count == 2 * calls)
    let manifest = try String(contentsOfFile: path + "/run.json", encoding: .utf8)
    try manifest.replacing("\"status\" : \"complete\"", with: "\"status\" : \"running\"").write(
      toFile: path + "/run.json", atomically: true, encoding: .utf8)
    let neglect = try analyze(folder, [path])
    #expect(neglect.status == 0)
    #expect(
      neglect.messages == ["heed: \(path): not complete; measured up to call 5"])
  }

  @Test("A damaged chunk is named; one that is gone leaves the others")
  func damaged() throws {
    let folder = try compared()
    let run = Self.root + "/stable-diffusion/seed-0"
    let recorded = try RecordedRun(folder.path + "/" + run)
    let site = try #require(recorded.sites.first?.site.path)
    let call = try #require(recorded.noisePredictions.first?.call)
    let chunk = "\(run)/attention.zarr/\(site)/c.\(call).0.0.0.0"
    let file = URL(fileURLWithPath: folder.path + "/" + chunk)
    let whole = try Data(contentsOf: file)
    var flipped = whole
    flipped[100] ^= 4
    for bytes in [flipped, whole.prefix(500)] {
      try bytes.write(to: file)
      expectRefusal(try analyze(folder, [run, "--report", "statistics"]), 65, [chunk])
    }
    try FileManager.default.removeItem(at: file)
    let rows = try csv(folder, [run, "--report", "statistics", "--by", "step"])
    #expect(rows.count == 2 * 5)
    let result = try analyze(folder, [run, "--report", "statistics"])
    #expect(result.status == 0 && result.stderr.contains("1 of 6 calls"))
  }

  @Test(
    "What cannot be is one line that says what",
    arguments: [
      (["--report", "statistics", "--by", "time"], 64, ["--by", "'time'"]),
      (["--report", "statistics", "--recipe", "notebook"], 69, ["unconditional", "conditional"]),
      (["--report", "statistics", "--recipe", "mean(layer: 9x9)"], 69, ["9x9", "16x16"]),
      (
        ["--report", "statistics", "--recipe", "mean(layer: 16x16) mean(step: 0..9)"], 69,
        ["step 9"]
      ),
      (["--report", "binding"], 64, ["--bind"]), (["--report", "everything"], 64, ["everything"]),
      (["--report", "segmentation"], 64, ["--masks"]), (["--json", "--csv"], 64, ["--csv"]),
      (["--window", "5"], 0, []), (["--window", "x"], 64, ["--window"]),
      (["--report", "binding", "--bind", "red"], 64, ["--bind", "red=car"]),
      (
        ["--report", "segmentation", "--masks", "cat=x.png", "--thresholds", "2"], 64,
        ["--thresholds", "'2'"]
      ),
      (["--recipe", "daam"], 64, ["--recipe", "neglect", "statistics"]),
      (["--report", "mass", "-o", "out"], 64, ["--output", "mass", "heads and --ask"]),
      (["--report", "statistics", "--window", "3"], 64, ["--window", "neglect"]),
      (["--ask", "dog", "--by", "layer"], 64, ["--by", "--ask"]),
    ] as [([String], Int32, [String])])
  func refusals(_ arguments: [String], _ code: Int32, _ words: [String]) throws {
    let folder = try compared(["--seeds", "0"])
    let result = try analyze(folder, [Self.root] + arguments)
    if code == 0 {
      #expect(result.status == 0)
    } else {
      expectRefusal(result, code, words)
    }
  }

  @Test("A word that the prompt does not have is refused with the prompt's tokens")
  func unknownWord() throws {
    let folder = try compared(["--seeds", "0"])
    let result = try analyze(folder, [Self.root, "--report", "statistics", "--tokens", "dog"])
    expectRefusal(result, 64, ["\"dog\""], showsTokens: true)
  }

  @Test("An unreadable recipe has a caret under the place")
  func caret() throws {
    let folder = try compared(["--seeds", "0"])
    let result = try analyze(
      folder, [Self.root, "--report", "statistics", "--recipe", "mean(layer: 16x16) mean(time)"])
    #expect(result.status == 64 && result.messages.count == 3)
    let place = result.messages[1].range(of: "time")?.lowerBound
    let column = place.map {
      result.messages[1].distance(from: result.messages[1].startIndex, to: $0)
    }
    #expect(column == result.messages[2].count - 1 && result.messages[2].last == "^")
  }
}
