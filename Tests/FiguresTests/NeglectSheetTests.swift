import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import PromptText
import Testing

@Suite("The neglect sheet")
struct NeglectSheetTests {
  private static let scores: [(Float, NeglectVerdict)] = [
    (0.0004, .neglected), (0.3, .lost), (0.6, .weak), (0.95, .high), (.nan, .unmeasured),
  ]

  /// A sheet by formulas.
  private static func sheet(
    cases: Int, subjects: Int = 2, prompts: Int = 1, others: Bool = true
  ) -> NeglectSheet {
    NeglectSheet(
      cases: (0..<cases).map { index in
        NeglectSheet.Case(
          prompt: index % prompts == 0
            ? "a cat and a frog"
            : "prompt \(index % prompts) " + String(repeating: "of words ", count: 35),
          method: index % 2 == 0 ? "Stable Diffusion" : "Attend-and-Excite", seed: UInt64(index),
          image: Sample.image(UInt64(index)),
          subjects: (0..<subjects).map { subject in
            let (score, verdict) = Self.scores[(index + subject) % Self.scores.count]
            return NeglectSheet.Subject(
              name: Sample.words[subject], tokens: "token \(2 + 3 * subject)", score: score,
              verdict: verdict,
              reason: "\(Sample.words[subject]) is \(verdict.rawValue): its excitation score "
                + "averages \(score) over steps 20..24, below 0.5, and at most it was 0.644 at step 0",
              map: verdict == .unmeasured
                ? nil : Sample.map(UInt64(index), subject: subject, strength: score))
          },
          others: others
            ? [
              .init(
                method: "Attend-and-Excite", image: Sample.image(99),
                words: "cat 1.00 (high score), frog 1.00 (high score)")
            ] : [])
      },
      notes: ["Runs with a neglected or lost subject: Stable Diffusion 1 of 2."],
      quantity: "mean attention probability, 16×16, 3 layers × 4 heads, steps 20–24",
      metadata: Sample.metadata)
  }

  private static let shapes = [(1, 1, 1), (1, 2, 1), (5, 2, 1), (12, 3, 4), (6, 4, 2), (64, 2, 3)]

  @Test(
    "Every label is on the page and covers no other", arguments: shapes,
    [236.0, 345, 396, 495, 508])
  func structure(shape: (cases: Int, subjects: Int, prompts: Int), width: Double) throws {
    let scene = try Self.sheet(
      cases: shape.cases, subjects: shape.subjects, prompts: shape.prompts
    ).scene(SheetStyle(width: width))
    checkStructure(of: scene)
    #expect(scene.width == width)
    let words = scene.texts.map(\.string)
    for rank in 1...shape.cases { #expect(words.contains("\(rank)")) }
    let verdicts: Set = ["neglected", "lost", "weak", "high score", "not measured"]
    #expect(words.count { verdicts.contains($0) } >= shape.cases * shape.subjects)
  }

  @Test("Maps and cells without a value are hatched and said; long words stay on the page")
  func awkward() throws {
    var sheet = Self.sheet(cases: 5)
    sheet.cases[0].subjects[0].name = String(repeating: "w", count: 200)
    sheet.cases[0].subjects[0].map = AttentionMap(
      grid: Grid(rows: 2, columns: 2), values: [.nan, 0.5, 0.25, -1])
    sheet.cases[1].image = Sample.image(3, width: 96, height: 64)
    sheet.cases[2].image = Sample.image(3, width: 64, height: 96)
    sheet.cases[3].method = String(repeating: "method ", count: 40)
    sheet.cases[4].seed = .max
    for width in [236.0, 495] {
      let scene = try sheet.scene(SheetStyle(width: width))
      checkStructure(of: scene)
      #expect(scene.texts.contains { $0.string == "no value" })
    }
    for index in sheet.cases.indices {
      for subject in sheet.cases[index].subjects.indices {
        sheet.cases[index].subjects[subject].map = nil
      }
    }
    let bare = try sheet.scene()
    checkStructure(of: bare)
    #expect(bare.texts.contains { $0.string.hasPrefix("No maps were recorded.") })
  }

  @Test("What does not fit or is not there is refused")
  func refusals() throws {
    #expect(throws: FigureError.inconsistentSheet("no run to show")) {
      try Self.sheet(cases: 0).scene()
    }
    #expect(throws: FigureError.self) { try Self.sheet(cases: 1, subjects: 0).scene() }
    #expect(throws: FigureError.tooNarrow(width: 100, needed: 158)) {
      try Self.sheet(cases: 1).scene(SheetStyle(width: 100))
    }
    for width in [Double.nan, -1, .infinity] {
      #expect(throws: FigureError.self) { try Self.sheet(cases: 1).scene(SheetStyle(width: width)) }
    }
    checkStructure(of: try Self.sheet(cases: 2).scene(SheetStyle(width: 158)))
    #expect(throws: FigureError.self) { try NeglectSheet(runs: [], software: "test") }
  }

  @Test("Bars have the length of the score, and lines at the verdict's levels")
  func bars() throws {
    let scene = try Self.sheet(cases: 1, subjects: 4).scene()
    for (index, word) in Sample.words.enumerated() {
      var frames: [Scene.Rect] = []
      var filled: [Double] = []
      var levels: [Double] = []
      scene.visit { path, node in
        guard path == ["case 1", "bar \(word)"] else { return }
        switch node {
        case .rectangle(let rect, nil, .some): frames.append(rect)
        case .rectangle(let rect, .some, nil): filled.append(rect.width)
        case .path(let points, false, nil, _): levels.append(points[0].x)
        default: break
        }
      }
      let frame = try #require(frames.first)
      #expect(abs(filled[0] / frame.width - Double(Self.scores[index].0)) < 1e-6)
      #expect(levels.map { (($0 - frame.x) / frame.width * 1000).rounded() } == [500, 800])
    }
  }

  // MARK: - Recorded runs

  /// Plain runs that neglect more or less, and an excited one of seed 2.
  private func runs(in folder: URL) throws -> [RecordedRun] {
    let courses: [(String, Int, [Float])] = [
      ("stable-diffusion", 1, [0.9, 0.9]), ("stable-diffusion", 2, [0.9, 0.125]),
      ("attend-and-excite", 2, [0.9, 0.85]), ("stable-diffusion", 3, [0.6, 0.9]),
      ("stable-diffusion", 5, [0.25, 0.9]),
    ]
    return try courses.map { method, seed, scores in
      let path = folder.appendingPathComponent("\(method)-\(seed)")
      _ = try recordSynthetic(path, method, seed: seed, [:])
      return try measure(path, [[Float]](repeating: scores, count: 3))
    }
  }

  @Test("Only cases of neglect are shown, and runs without any are refused in one line")
  func onlyNeglect() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let sheet = try NeglectSheet(runs: runs, software: "test")
      #expect(sheet.cases.map(\.seed) == [2, 5])
      #expect(sheet.cases.allSatisfy { $0.subjects.contains(where: \.verdict.isNeglect) })
      let error = #expect(throws: FigureError.self) {
        try NeglectSheet(runs: [runs[0], runs[2]], software: "test")
      }
      #expect(
        error?.description.contains(
          "no case of neglect in 2 runs: the lowest excitation score is 0.850, and neglect is below 0.5"
        )
          == true)
    }
  }

  @Test("Cases are ranked by their weakest subject, and what is left out is said")
  func ranking() throws {
    try withFolder { folder in
      let sheet = try NeglectSheet(runs: runs(in: folder), cases: 1, software: "test")
      #expect(sheet.cases.map(\.seed) == [2])
      #expect(sheet.cases.map(\.method) == ["Stable Diffusion"])
      #expect(sheet.cases.map { $0.subjects.map(\.verdict) } == [[.high, .neglected]])
      #expect(sheet.cases[0].others.map(\.method) == ["Attend-and-Excite"])
      let scene = try sheet.scene()
      checkStructure(of: scene)
      #expect(scene.caption.contains("1 of 2 cases are shown"))
      #expect(scene.caption.contains("the weakest subject’s score is 0.250 or more."))
      #expect(scene.caption.contains("Stable Diffusion 2 of 4, Attend-and-Excite 0 of 1"))
      let told = try JSONSerialization.jsonObject(with: Data(scene.metadata.manifest.utf8))
      #expect((told as? [String: Any])?["cases"] as? Int == 1)
    }
  }

  @Test("All maps are on one scale, and theirs are the judged steps' values")
  func colors() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let sheet = try NeglectSheet(runs: runs, software: "test")
      let scene = try sheet.scene(SheetStyle(maps: MapStyle(overlay: .mosaic, colors: .viridis)))
      var maps: [AttentionMap] = []
      for report in NeglectReport.ranked(try runs.map { try NeglectReport($0) })
      where report.hasNeglect {
        let run = try RecordedRun(report.path)
        let made = try run.aggregate(by: Recipe(layers: "2x3", steps: report.window))
        maps += try run.manifest.subjects.map { try made.map(of: $0) }
      }
      let upper = Double(try #require(maps.map(\.largest).max()))
      var cells: [Scene.Cells] = []
      scene.visit { _, node in if case .cells(let found) = node { cells.append(found) } }
      #expect(cells.count == 4)
      for (map, found) in zip(maps, cells) {
        for (value, color) in zip(map.values, found.colors) {
          #expect(color == ColorMap.viridis.color(at: Double(value) / upper))
        }
      }
    }
  }

  @Test("A run without maps is shown by its numbers; one without anything is refused")
  func notRecorded() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let path = runs[1].folder.path
      try FileManager.default.removeItem(atPath: path + "/attention.zarr")
      let sheet = try NeglectSheet(runs: [runs[4], RecordedRun(path)], software: "test")
      #expect(sheet.cases.map { $0.subjects.compactMap(\.map).count } == [0, 2])
      checkStructure(of: try sheet.scene())
      #expect(throws: AnalysisError.self) {
        try NeglectSheet(
          runs: [RecordedRun(path)], recipe: Recipe(layers: "2x3"), software: "test")
      }
      try Data().write(to: URL(fileURLWithPath: path + "/calls.jsonl"))
      let error = #expect(throws: AnalysisError.self) {
        try NeglectSheet(runs: [RecordedRun(path)], software: "test")
      }
      #expect(error?.description.contains(path) == true)
      let twice = #expect(throws: FigureError.self) {
        try NeglectSheet(runs: [runs[0], runs[0]], software: "test")
      }
      #expect(twice?.description.contains("given twice") == true)
    }
  }

  @Test("The same sheet gives the same bytes")
  func bytes() throws {
    let (one, other) = (try Self.sheet(cases: 5).scene(), try Self.sheet(cases: 5).scene())
    #expect(one.json == other.json)
    #expect(try PDFBackend.data(one) == PDFBackend.data(other))
  }
}
