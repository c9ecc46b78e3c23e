import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import PromptText
import RecordingProbe
import Testing

@Suite("The sheet of explanations")
struct ExplainSheetTests {
  private func record(
    _ name: String, in folder: URL, seed: Int, _ members: [String: Any] = [:]
  ) throws -> RecordedRun {
    let method = members["method"] as? String ?? "explain"
    return try recordSynthetic(
      folder.appendingPathComponent(name), method, seed: seed,
      members.filter { $0.key != "method" })
  }

  @Test(
    "Columns are times, rows subjects, blocks seeds in order; the large photo is there once a block"
  )
  func arrangement() throws {
    try withFolder { folder in
      let runs = try [7, 3].map { try record("run-\($0)", in: folder, seed: $0) }
      #expect(ExplainSheet.shows(runs))
      let scene = try ExplainSheet(runs: runs, software: "test").scene()
      let words = scene.texts.map(\.string)
      #expect(words.filter { $0.hasPrefix("seed ") } == ["seed 3", "seed 7"])
      let times = runs[0].manifest.timesteps.map { "t = \(Int($0))" }
      #expect(words.filter { $0.hasPrefix("t = ") } == times + times)
      for seed in ["seed 3", "seed 7"] {
        let panels = scene.panels.filter { $0.path.first == seed }
        #expect(panels.count { $0.path.last == "photo" } == 1)
        for subject in runs[0].manifest.subjects {
          let maps = panels.filter { $0.path.last == "map \(subject.name)" }
          #expect(Set(maps.map { $0.path[1] }) == Set(times))
          #expect(Set(maps.map(\.frame.y)).count == 1)
          let photo = try #require(panels.first { $0.path.last == "photo" })
          for map in maps {
            #expect((0.42...0.5).contains(map.frame.width / photo.frame.width))
            #expect(map.frame.x > photo.frame.maxX)
          }
        }
      }
    }
  }

  @Test("A recipe's steps are the rows", arguments: [0, 2])
  func steps(_ step: Int) throws {
    try withFolder { folder in
      let run = try record("run", in: folder, seed: 1)
      let recipe = Recipe(layers: run.manifest.method.grid.description, steps: step...step)
      let scene = try ExplainSheet(runs: [run], recipe: recipe, software: "test").scene()
      let times = scene.texts.map(\.string).filter { $0.hasPrefix("t = ") }
      #expect(times == ["t = \(Int(run.manifest.timesteps[step]))"])
    }
  }

  @Test("Text stays on the page, whatever the width and the number of seeds")
  func page() throws {
    try withFolder { folder in
      let runs = try (0..<3).map { try record("run-\($0)", in: folder, seed: $0) }
      for count in 1...3 {
        let sheet = try ExplainSheet(runs: Array(runs.prefix(count)), software: "test")
        for width in [180.0, 236.25, 495] {
          let scene = try sheet.scene(SheetStyle(width: width))
          checkStructure(of: scene)
          #expect(scene.width == width)
          for box in scene.texts.map(\.box) {
            #expect(box.x >= 0 && box.maxX <= width + 0.01, "\(count) seeds at \(width)")
            #expect(box.y >= 0 && box.maxY <= scene.height + 0.01)
          }
        }
        #expect(throws: FigureError.self) { try sheet.scene(SheetStyle(width: 90)) }
        #expect(throws: FigureError.self) { try sheet.scene(SheetStyle(width: 1e6)) }
      }
    }
  }

  @Test("Runs that do not belong together are refused, and the message says why")
  func different() throws {
    let picture: [String: Any] = ["sha256": "00", "height": 2, "width": 2, "fit": "squash"]
    let cases: [(Int, [String: Any], String)] = [
      (1, [:], "seeds are the same"), (2, ["picture": picture], "photos"),
      (2, ["timesteps": [3, 2, 1]], "timesteps"), (2, ["height": 64], "sizes"),
    ]
    try withFolder { folder in
      let first = try record("first", in: folder, seed: 1)
      for (index, (seed, members, reason)) in cases.enumerated() {
        let other = try record("other-\(index)", in: folder, seed: seed, members)
        let error = #expect(throws: AnalysisError.self) {
          try ExplainSheet(runs: [first, other], software: "test")
        }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
      }
      let method = try record("method", in: folder, seed: 2, ["method": "stable-diffusion"])
      #expect(!ExplainSheet.shows([first, method]))
      #expect(!ExplainSheet.shows([]))
      let none = try record("none", in: folder, seed: 2, ["subjects": [Any]()])
      #expect(throws: FigureError.self) { try ExplainSheet(runs: [none], software: "test") }
      let recipe = Recipe(layers: "9x9")
      #expect(throws: AnalysisError.self) {
        try ExplainSheet(runs: [first], recipe: recipe, software: "test")
      }
    }
  }
}
