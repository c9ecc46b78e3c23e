import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation
import RecordingProbe
import TensorEngine
import Testing

@Suite("The compare sheet of recorded runs")
struct RecordedSheetTests {
  private func record(
    _ name: String, in folder: URL, _ method: String, seed: Int, _ members: [String: Any] = [:]
  ) throws -> RecordedRun {
    try recordSynthetic(folder.appendingPathComponent(name), method, seed: seed, members)
  }

  private let plain = "stable-diffusion"
  private let excited = "attend-and-excite"

  @Test("Runs pair up by seed, in whatever order they come")
  func pairs() throws {
    try withFolder { folder in
      let runs = try [
        record("a", in: folder, excited, seed: 7), record("b", in: folder, plain, seed: 3),
        record("c", in: folder, excited, seed: 3), record("d", in: folder, plain, seed: 7),
      ]
      for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let sheet = try CompareSheet(runs: order.map { runs[$0] }, software: "test")
        #expect(sheet.seeds.map(\.seed) == [3, 7])
        #expect(sheet.subjects.map(\.name) == ["cat", "frog"])
      }
    }
  }

  @Test(
    "Runs that do not belong together are refused, and the message says why",
    arguments: [
      ("guidanceScale", "guidance"), ("negativePrompt", "negative"), ("timesteps", "timesteps"),
      ("height", "sizes"), ("subjects", "subjects"), ("scheduler", "schedulers"),
      ("model", "checkpoints"), ("seed", "seed"), ("rng", "random sources"),
    ])
  func different(member: String, reason: String) throws {
    let values: [String: Any] = [
      "guidanceScale": 3, "negativePrompt": "dogs", "timesteps": [3, 2, 1], "height": 64, "seed": 9,
      "rng": "numpy",
      "subjects": [["name": "cat", "tokens": [2]]], "scheduler": ["name": "pndm"],
      "model": ["name": "other", "files": ["unet": "00"]],
    ]
    try withFolder { folder in
      let runs = try [
        record("plain", in: folder, plain, seed: 1, values.filter { $0.key == member }),
        record("excited", in: folder, excited, seed: 1),
      ]
      do {
        _ = try CompareSheet(runs: runs, software: "test")
        Issue.record("no error")
      } catch let error as AnalysisError {
        #expect(error.description.contains(reason), "\(error)")
      }
    }
  }

  @Test("A method that would alter more steps than a run has altered all of them")
  func alteredSteps() throws {
    try withFolder { folder in
      let runs = try [
        record("plain", in: folder, plain, seed: 1),
        recordSynthetic(
          folder.appendingPathComponent("excited"), "a-star", seed: 1, [:],
          alteredSteps: 1000),
      ]
      let scene = try CompareSheet(
        runs: runs, recipe: Recipe(parsing: "mean(layer: 2x3)"), software: "test"
      ).scene()
      #expect(scene.texts.contains { $0.string.hasPrefix("3 of 3 steps altered") })
    }
  }

  @Test("Too few runs, or one twice, are refused")
  func count() throws {
    try withFolder { folder in
      let a = try record("a", in: folder, plain, seed: 1)
      let b = try record("b", in: folder, excited, seed: 1)
      let c = try record("c", in: folder, excited, seed: 2)
      for runs in [[], [a], [b], [a, b, b], [a, a, b], [a, b, c], [a, c]] {
        #expect(throws: AnalysisError.self) { try CompareSheet(runs: runs, software: "test") }
      }
      #expect(throws: AnalysisError.self) {
        try CompareSheet(runs: [a, b], recipe: Recipe(layers: "9x9"), software: "test")
      }
      #expect(throws: Never.self) { _ = try CompareSheet(runs: [a, b], software: "test") }
      try FileManager.default.removeItem(atPath: a.folder.image)
      #expect(throws: FileError.self) { try CompareSheet(runs: [a, b], software: "test") }
    }
  }
}
