import AttentionAnalysis
import AttentionTrace
import Drawing
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

  @Test("Nothing is said of moved steps where a run does not tell, and no step is shaded")
  func alteredSteps() throws {
    try withFolder { folder in
      let runs = try [
        record("plain", in: folder, plain, seed: 1),
        recordSynthetic(
          folder.appendingPathComponent("excited"), "a-star", seed: 1, [:],
          alteredSteps: 1000),
      ]
      let sheet = try CompareSheet(
        runs: runs, recipe: Recipe(parsing: "mean(layer: 2x3)"), software: "test")
      #expect(sheet.alteredSteps == 3 && sheet.seeds[0].runs[1].movedSteps == nil)
      #expect(try !sheet.scene().caption.contains("moved the latent"))
    }
  }

  @Test(
    "The caption counts the steps that moved the latent, and warns of a latent out of range"
  )
  func movedSteps() throws {
    try withFolder { folder in
      func run(_ name: String, _ method: String, seed: Int, _ moved: [Float]?, _ latents: [Float])
        throws -> RecordedRun
      {
        let place = folder.appendingPathComponent(name)
        _ = try record(name, in: folder, method, seed: seed)
        return try measure(
          place, [[0.9, 0.9], [0.9, 0.9], [0.9, 0.9]], moved: moved, latents: latents)
      }
      let runs = try [
        run("a", plain, seed: 1, nil, [1, 2, 4]),
        run("b", excited, seed: 1, [0, 0, 0], [1, 2, 5]),
        run("c", plain, seed: 2, nil, [1, 2, 4]),
        run("d", excited, seed: 2, [3, 1, 0], [1, 6, 4]),
      ]
      let sheet = try CompareSheet(runs: runs, software: "test")
      #expect(sheet.seeds.map(\.runs[1].movedSteps) == [0, 2] && sheet.alteredSteps == 2)
      let scene = try sheet.scene()
      let warning = "Attend-and-Excite, seed 2: the latent’s largest value is 3.0 times that"
      #expect(scene.caption.contains(warning))
      #expect(!scene.caption.contains("seed 1: the latent"))
      let curves = try CurvesSheet(runs: runs, software: "test")
      #expect(curves.methods.last?.alteredSteps == 2)
      #expect(try curves.scene().caption.contains(warning))
    }
  }

  @Test("Plain Stable Diffusion comes first, then the other methods in the order given")
  func methods() throws {
    try withFolder { folder in
      let runs = try ["syngen", excited, plain].flatMap { method in
        try [2, 1].map { try record("\(method)-\($0)", in: folder, method, seed: $0) }
      }
      let sheet = try CompareSheet(runs: runs, curves: .strip, software: "test")
      #expect(sheet.methods.map(\.title) == ["Stable Diffusion", "syngen", "Attend-and-Excite"])
      #expect(sheet.methods.map(\.isPlain) == [true, false, false])
      #expect(sheet.seeds.map(\.seed) == [1, 2])
      #expect(sheet.seeds.allSatisfy { $0.runs.count == 3 })
      checkStructure(of: try sheet.scene())
      #expect(SheetLayout(for: runs) == .compare)
      // A run too few, and the maps of all in rows say more.
      #expect(SheetLayout(for: Array(runs.dropLast())) == .methods)
    }
  }

  @Test("A subject's verdict is that of the report on neglect")
  func verdicts() throws {
    try withFolder { folder in
      for (name, method) in [("plain", plain), ("excited", excited)] {
        _ = try record(name, in: folder, method, seed: 1)
      }
      let low = try measure(
        folder.appendingPathComponent("plain"), [[0.1, 0.9], [0.2, 0.9], [0.1, 0.9]])
      let high = try measure(
        folder.appendingPathComponent("excited"), [[0.9, 0.9], [0.9, 0.9], [0.9, 0.9]])
      let sheet = try CompareSheet(runs: [low, high], curves: .full, software: "test")
      for (run, recorded) in zip(sheet.seeds[0].runs, [low, high]) {
        #expect(run.verdicts == (try NeglectReport(recorded).subjects.map(\.verdict)))
      }
      #expect(sheet.seeds[0].runs[0].verdicts == [.neglected, .high])
      #expect(sheet.seeds[0].runs[1].curves[.score]?[0].allSatisfy { abs($0 - 0.9) < 1e-6 } == true)
      #expect(try sheet.scene().caption.contains("cat of Stable Diffusion (seed 1)"))
    }
  }

  @Test("No run, one given twice, and a seed without a run of each method are refused")
  func count() throws {
    try withFolder { folder in
      let a = try record("a", in: folder, plain, seed: 1)
      let b = try record("b", in: folder, excited, seed: 1)
      let c = try record("c", in: folder, excited, seed: 2)
      #expect(throws: FigureError.self) { try CompareSheet(runs: [], software: "test") }
      for runs in [[a, a], [a, b, b], [a, a, b], [a, b, c], [a, c]] {
        #expect(throws: AnalysisError.self) { try CompareSheet(runs: runs, software: "test") }
      }
      #expect(throws: AnalysisError.self) {
        try CompareSheet(runs: [a, b], recipe: Recipe(layers: "9x9"), software: "test")
      }
      for runs in [[a], [b], [a, b], [b, c]] {
        #expect(throws: Never.self) { _ = try CompareSheet(runs: runs, software: "test") }
      }
      try FileManager.default.removeItem(atPath: a.folder.image)
      #expect(throws: FileError.self) { try CompareSheet(runs: [a, b], software: "test") }
    }
  }

  @Test("Runs are compared by the settings of the scheduler that both name")
  func fewerSettings() throws {
    try withFolder { folder in
      let settings = ["name": "ddim", "prediction_type": "epsilon"]
      let runs = try [
        record("plain", in: folder, plain, seed: 1, ["scheduler": settings]),
        record("excited", in: folder, excited, seed: 1),
      ]
      #expect(try CompareSheet(runs: runs, software: "test").seeds.map(\.seed) == [1])
    }
  }

  @Test("An outcome sheet has each run at its value of the knob, in the values' order")
  func outcomes() throws {
    // Scores of cat and frog, the same at every step; below 0.5 a subject is neglected.
    let measured: [(knob: String, seed: Int, scores: [Float])] = [
      ("20", 1, [0.75, 0.25]), ("5", 2, [0.25, 0.125]), ("20", 2, [0.875, 0.625]),
      ("5", 1, [0.5, 0.375]),
    ]
    try withFolder { folder in
      let runs = try measured.map { run in
        let place = folder.appendingPathComponent("\(run.knob)-\(run.seed)")
        _ = try recordSynthetic(
          place, excited, seed: run.seed, [:], knobs: ["scale-factor": run.knob])
        return try measure(place, Array(repeating: run.scores, count: 3))
      }
      let sheet = try OutcomeSheet(runs: runs, knob: "scale-factor", software: "test")
      #expect(sheet.values == ["5", "20"])
      let scores = sheet.scores.map { $0.samples.map { $0.sorted() } }
      #expect(scores == [[[0.25, 0.5], [0.75, 0.875]], [[0.125, 0.375], [0.25, 0.625]]])
      #expect(sheet.neglected.samples.map { $0.sorted() } == [[0.5, 1], [0, 0.5]])
      let scene = try sheet.scene(SheetStyle(width: 508))
      let text = scene.texts.map(\.string).joined(separator: " ")
      #expect(text.contains("excitation score") && text.contains("n = 2"), "\(text)")
    }
  }
}
