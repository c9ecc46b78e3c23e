import Foundation
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
