import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import TensorEngine
import TestSupport
import Testing

/// Verdicts on runs whose journal has no measurement.
@Suite("Verdicts made of maps")
struct MapVerdictTests {
  private struct Document: Decodable {
    struct Run: Decodable {
      struct Subject: Decodable {
        struct Point: Decodable {
          let step: Int
          let score: Double
        }

        let verdict: String
        let trajectory: [Point]
      }

      let scoreRecipe: String?
      let unmeasured: String?
      let subjects: [Subject]
    }

    let runs: [Run]
  }

  private func report(_ folder: TemporaryFolder) throws -> Document.Run {
    let result = try HeedProcess.run(["analyze", "runs", "--json"], in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
    let document = try JSONDecoder().decode(Document.self, from: Data(result.stdout.utf8))
    return try #require(document.runs.first)
  }

  /// A run as a recorder leaves it that measures nothing.
  private func unmeasured(_ arguments: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let made = try HeedProcess.run(
      ["generate", "a cat and a frog", "--method", "stable-diffusion", "--steps", "6"] + arguments,
      in: folder.path)
    #expect(made.status == 0, "\(made.stderr)")
    return folder
  }

  private func forget(_ folder: TemporaryFolder) throws {
    let journal = try #require(folder.names.first { $0.hasSuffix("calls.jsonl") })
    let lines = try folder.text(journal).split(separator: "\n").map { line -> String in
      var call = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      call["measurement"] = nil
      return String(decoding: try JSONSerialization.data(withJSONObject: call), as: UTF8.self)
    }
    try folder.write(journal, Array((lines.joined(separator: "\n") + "\n").utf8))
  }

  @Test("Scores made of every token's maps are those that the run measured")
  func scores() throws {
    let folder = try unmeasured(["--precision", "float32"])
    let measured = try report(folder)
    #expect(measured.scoreRecipe == nil)
    try forget(folder)
    let made = try report(folder)
    let recipe = try #require(made.scoreRecipe)
    #expect(recipe.contains("mean(layer: 16x16) softmax(token: 100 without unread) smooth"))
    #expect(made.subjects.map(\.verdict) == measured.subjects.map(\.verdict))
    for (mine, theirs) in zip(made.subjects, measured.subjects) {
      #expect(mine.trajectory.map(\.step) == theirs.trajectory.map(\.step))
      #expect(mine.trajectory.count == 6)
      for (point, wanted) in zip(mine.trajectory, theirs.trajectory) {
        #expect(abs(point.score - wanted.score) < 1e-4)
      }
    }
    let text = try HeedProcess.run(["analyze", "runs"], in: folder.path).stdout
    #expect(text.contains("that the run did not measure are made of its maps by " + recipe))
    let table = try HeedProcess.run(["analyze", "runs", "--csv"], in: folder.path).stdout
    #expect(table.split(separator: "\r\n").count == 3)
  }

  /// Says of a run that another program recorded it, of a pipeline.
  private func rename(_ folder: TemporaryFolder, to pipeline: String) throws {
    for (name, isStore) in [("run.json", false), ("attention.zarr/zarr.json", true)] {
      let path = try #require(folder.names.first { $0.hasSuffix("seed-0/" + name) })
      var object = try #require(
        try JSONSerialization.jsonObject(with: Data(folder.bytes(path))) as? [String: Any])
      if isStore {
        var attributes = try #require(object["attributes"] as? [String: Any])
        attributes["method"] = pipeline
        object["attributes"] = attributes
      } else {
        var method = try #require(object["method"] as? [String: Any])
        (method["name"], method["title"]) = (pipeline, pipeline)
        var provenance = try #require(object["provenance"] as? [String: Any])
        provenance["recorder"] =
          [
            "name": "recorder", "version": "1", "versions": [String: String](), "device": "cpu",
            "dtype": "float32", "backend": "none",
            "coverage": ["recorded": 1, "layers": 1, "left": [Any]()],
          ] as [String: Any]
        (object["method"], object["provenance"]) = (method, provenance)
      }
      try folder.write(path, Array(try JSONSerialization.data(withJSONObject: object)))
    }
  }

  @Test("Of another pipeline, scores do not depend on which tokens were recorded beside the words")
  func selection() throws {
    let runs = try [[], ["--record-tokens", "1,2,3,4,5"]].map { tokens in
      let folder = try unmeasured(["--precision", "float32", "--layers", "16x16"] + tokens)
      try forget(folder)
      try rename(folder, to: "other-pipeline")
      return try report(folder)
    }
    #expect(runs[0].scoreRecipe?.contains("without start end padding template") ?? false)
    #expect(runs[0].scoreRecipe == runs[1].scoreRecipe)
    for (one, other) in zip(runs[0].subjects, runs[1].subjects) {
      #expect(one.verdict == other.verdict && one.trajectory.count == 6)
      for (point, wanted) in zip(one.trajectory, other.trajectory) {
        #expect(abs(point.score - wanted.score) < 1e-6)
      }
    }
  }

  @Test("Of Stable Diffusion, scores of the words alone are told, and not compared with others")
  func wordsAlone() throws {
    let folder = try unmeasured(["--record-tokens", "1,2,3,4,5"])
    try forget(folder)
    let made = try report(folder)
    #expect(made.scoreRecipe?.contains("without start end padding template") ?? false)
    let text = try HeedProcess.run(["analyze", "runs"], in: folder.path)
    #expect(text.stdout.contains("its maps lack tokens that the loss reads"), "\(text.stdout)")
    let excited = try HeedProcess.run(
      ["generate", "a cat and a frog", "--steps", "6"], in: folder.path)
    #expect(excited.status == 0, "\(excited.stderr)")
    expectRefusal(
      try HeedProcess.run(["analyze", "runs"], in: folder.path), 65,
      ["over the words alone", "record both with every token"])
  }

  @Test(
    "Scores of joint attention are of rows that were divided before layers and frames are put together",
    arguments: ["sd35", "flux2", "cogvideox"])
  func joint(_ name: String) throws {
    let run = try RecordedRun("\(Repository.fixtures)/recorded/\(name)")
    let scores = try ExcitationScores(run)
    let text = run.manifest.tokens
    let words = Set(text.tokens.filter { $0.special == nil }.map(\.index))
    #expect(!scores.points.isEmpty && scores.recipe != nil && scores.isOfWordsAlone)
    for point in scores.points {
      // `[cell][token]`, the mean over layers and frames of rows divided by their sum over the text.
      var mean: [[Double]] = []
      let grid = run.sites[0].grid
      let tokens = try #require(run.sites[0].tokens)
      for site in run.sites {
        let frames = site.site.frames ?? 1
        let values = try #require(try run.maps(site.site.path, call: point.call.call)).values
        let columns = site.columns
        for frame in 0..<frames {
          for cell in 0..<grid.pixels {
            let first = (frame * grid.pixels + cell) * columns
            // The picture's column is the last; what is before it is the text.
            let row = values[first..<first + columns - 1].map(Double.init)
            let sum = row.reduce(0, +)
            // A row that attends to the picture alone, as far as float16 tells, has no share of the text.
            let share = row.map { sum == 0 ? 0 : $0 / sum / Double(frames * run.sites.count) }
            if mean.count <= cell {
              mean.append(share)
            } else {
              for place in share.indices { mean[cell][place] += share[place] }
            }
          }
        }
      }
      let read = tokens.indices.filter { words.contains(tokens[$0]) }
      let soft = mean.map { row -> [Int: Double] in
        let powers = read.map { exp(100 * row[$0]) }
        return Dictionary(
          uniqueKeysWithValues: zip(
            read.map { tokens[$0] }, powers.map { $0 / powers.reduce(0, +) }))
      }
      for (subject, score) in zip(run.manifest.subjects, point.scores) {
        let map = soft.map { row in
          subject.tokens.reduce(0) { $0 + (row[$1] ?? .nan) } / Double(subject.tokens.count)
        }
        let wanted = try #require(smoothed(map, grid).max())
        #expect(abs(Double(score) - wanted) < 1e-4, "step \(point.call.step), \(subject.name)")
      }
    }
  }

  /// A Gaussian of 3 × 3 cells with σ² = ½, the neighbours mirrored at the edges.
  private func smoothed(_ map: [Double], _ grid: Grid) -> [Double] {
    let bell = [exp(-1.0), 1, exp(-1.0)]
    let sum = bell.reduce(0, +)
    func mirrored(_ place: Int, _ count: Int) -> Int {
      place < 0 ? -place : place >= count ? 2 * count - 2 - place : place
    }
    return (0..<grid.pixels).map { cell in
      var result = 0.0
      for (down, above) in bell.enumerated() {
        for (right, beside) in bell.enumerated() {
          let row = mirrored(cell / grid.columns + down - 1, grid.rows)
          let column = mirrored(cell % grid.columns + right - 1, grid.columns)
          result += above * beside / sum / sum * map[row * grid.columns + column]
        }
      }
      return result
    }
  }

  @Test("Where the maps lack a word, the verdict says that there is none, and why")
  func lacking() throws {
    let folder = try unmeasured(["--record-tokens", "cat,frog"])
    try forget(folder)
    let made = try report(folder)
    #expect(
      made.scoreRecipe == nil && made.subjects.map(\.verdict) == ["unmeasured", "unmeasured"])
    #expect(made.unmeasured?.contains("token 1, which") ?? false)
    let text = try HeedProcess.run(["analyze", "runs"], in: folder.path).stdout
    #expect(text.contains("no score can be made of the maps: "))
  }
}
