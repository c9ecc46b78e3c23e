import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import Testing

@Suite("The curves sheet")
struct CurvesSheetTests {
  private static let metadata = Scene.Metadata(
    title: "curves", date: "2026-11-24T10:30:00Z", software: "test", manifest: "")

  /// A sheet by formulas: values of every run differ.
  private static func sheet(
    methods: Int = 2, seeds: Int = 8, subjects: [String] = ["cat", "frog"], steps: Int = 50
  ) -> CurvesSheet {
    let names = ["Stable Diffusion", "Attend-and-Excite", "SynGen", "Divide & Bind", "CONFORM"]
    let pairs = subjects.indices.flatMap { i in subjects[(i + 1)...].map { [subjects[i], $0] } }
    let kinds: [(CurveMeasure, [[String]])] = [
      (.peak, subjects.map { [$0] }), (.score, subjects.map { [$0] }), (.loss, [[]]),
      (.entropy, subjects.map { [$0] }),
      (.overlap, pairs),
    ]
    return CurvesSheet(
      prompt: "a cat and a frog", steps: steps,
      methods: (0..<methods).map { index in
        CurvesSheet.Method(
          title: names[index % names.count], isPlain: index == 0,
          seeds: (0..<seeds).map(UInt64.init),
          alteredSteps: index == 0 ? 0 : steps / 2,
          thresholds: index == 0 ? [:] : [0: 0.05, 10: 0.5, 20: 0.8],
          tries: index == 0 ? [:] : [0: seeds, 10: 7 * seeds, 20: 20 * seeds])
      },
      panels: kinds.flatMap { measure, groups in
        groups.map { group in
          CurvesSheet.Panel(
            measure: measure, subjects: group,
            values: (0..<methods).map { method in
              (0..<seeds).map { seed in
                (0..<steps).map { step in
                  let way = Double(step) / Double(max(1, steps - 1))
                  return 0.9 / (1 + Double(method + 1) * way) - 0.02 * Double(seed % 7) * way
                }
              }
            })
        }
      }, quantity: "mean attention probability, 16×16, 3 layers × 4 heads", metadata: metadata)
  }

  // MARK: - Reading a scene back

  /// The paths of lines in the panel of that title, by the index of the method.
  private func lines(_ scene: Scene, _ panel: String) -> [(method: Int, points: [Scene.Point])] {
    var lines: [(Int, [Scene.Point])] = []
    scene.visit { path, node in
      guard path.first == panel, path.count == 2, path[1].hasPrefix("line "),
        case .path(let points, closed: false, _, _) = node, points.count > 1
      else { return }
      lines.append((Int(path[1].dropFirst(5)) ?? -1, points))
    }
    return lines
  }

  /// What turns a height on the page into a value, by the labels of the panel's axis.
  private func axis(_ scene: Scene, _ panel: String) throws -> (Scene.Point) -> Double {
    let frame = try #require(plot(scene, panel))
    var marks: [(y: Double, value: Double)] = []
    scene.visit { path, node in
      if path == [panel], case .text(let text) = node, text.box.maxX < frame.x,
        let value = Double(text.string)
      {
        marks.append((text.origin.y - 2.1, value))
      }
    }
    let (first, last) = (try #require(marks.first), try #require(marks.last))
    try #require(marks.count > 1)
    return { point in
      first.value + (point.y - first.y) / (last.y - first.y) * (last.value - first.value)
    }
  }

  /// The frame of a panel's plot.
  private func plot(_ scene: Scene, _ panel: String) -> Scene.Rect? {
    var frames: [Scene.Rect] = []
    scene.visit { path, node in
      if path == [panel], case .rectangle(let rect, nil, .some) = node { frames.append(rect) }
    }
    return frames.first
  }

  // MARK: - Structure

  private static let shapes = [(1, 1), (2, 1), (2, 4), (2, 8), (5, 5), (3, 64)]

  @Test(
    "Every label is on the page and covers no other", arguments: shapes,
    [236.0, 345, 396, 495, 508])
  func structure(shape: (methods: Int, seeds: Int), width: Double) throws {
    let sheet = Self.sheet(methods: shape.methods, seeds: shape.seeds)
    let scene = try sheet.scene(SheetStyle(width: width))
    checkStructure(of: scene)
    #expect(scene.width == width)
    #expect(!scene.texts.contains { $0.string.contains("…") })
    for panel in [
      "peak attention: frog", "excitation score: cat", "loss", "entropy: frog",
      "overlap: cat and frog",
    ] {
      let frame = try #require(plot(scene, panel))
      let drawn = lines(scene, panel)
      #expect(drawn.count == shape.methods * (shape.seeds < 5 ? shape.seeds : 1))
      for point in drawn.flatMap(\.points) {
        #expect(point.x >= frame.x && point.x <= frame.maxX)
        #expect(point.y >= frame.y - 1e-9 && point.y <= frame.maxY + 1e-9)
      }
    }
    for method in sheet.methods {
      let name =
        "\(method.title) (n = \(shape.seeds)): \(method.isPlain ? "open" : "filled") markers"
      #expect(scene.texts.contains { $0.string == name })
    }
  }

  @Test("Long prompts, long words, a single step and a thousand stay on the page")
  func awkward() throws {
    for (steps, subjects) in [
      (1, ["cat"]), (2, ["cat", "frog"]), (1000, ["a", "b", "c", "d", "e"]),
    ] {
      var sheet = Self.sheet(subjects: subjects, steps: steps)
      sheet.prompt = String(repeating: "antidisestablishmentarianism \\ <&> ", count: 9)
      sheet.methods[0].title = String(repeating: "long ", count: 80)
      sheet.panels[1].subjects = [String(repeating: "w", count: 200)]
      sheet.quantity = String(repeating: "mean ", count: 60)
      sheet.gaps = [String(repeating: "nothing of this was recorded ", count: 20)]
      for width in [236.0, 495] {
        let scene = try sheet.scene(SheetStyle(width: width))
        checkStructure(of: scene)
        #expect(!scene.texts.contains { $0.string.contains("…") })
        #expect(scene.warnings == sheet.gaps)
      }
    }
  }

  // MARK: - Values

  @Test("Of five seeds the median and the quartiles are drawn, of four their lines")
  func bands() throws {
    // Sorted: 0.1 0.2 0.4 0.8 0.9; the quartiles of five are the 2nd, 3rd and 4th.
    let seeds: [[Double]] = [[0.4, 0.4], [0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.2, 0.8]]
    var sheet = Self.sheet(methods: 1, seeds: 5, steps: 2)
    sheet.panels = [.init(measure: .loss, subjects: [], values: [seeds])]
    let scene = try sheet.scene()
    let value = try axis(scene, "loss")
    let drawn = lines(scene, "loss")
    #expect(drawn.count == 1)
    for point in drawn[0].points { #expect(abs(value(point) - 0.4) < 1e-9) }
    var bands: [[Scene.Point]] = []
    scene.visit { path, node in
      if path == ["loss", "bands"], case .path(let points, closed: true, .some, nil) = node {
        bands.append(points)
      }
    }
    #expect(bands.count == 1)
    for (found, expected) in zip(bands[0].map(value), [0.8, 0.8, 0.2, 0.2]) {
      #expect(abs(found - expected) < 1e-9)
    }
    sheet.panels[0].values = [Array(seeds.dropLast())]
    sheet.methods[0].seeds.removeLast()
    let few = try sheet.scene()
    let separate = lines(few, "loss")
    for (line, seed) in zip(separate, seeds) {
      for (point, expected) in zip(line.points, seed) {
        #expect(abs(value(point) - expected) < 1e-9)
      }
    }
    #expect(separate.count == 4)
    #expect(few.texts.contains { $0.string == "a line for each seed" })
  }

  @Test("A missing value interrupts a line, and a median that fewer than five have")
  func missing() throws {
    var sheet = Self.sheet(methods: 1, seeds: 1, steps: 5)
    sheet.panels = [.init(measure: .loss, subjects: [], values: [[[0.1, 0.2, .nan, 0.3, 0.4]]])]
    #expect(try lines(sheet.scene(), "loss").map(\.points.count) == [2, 2])
    var runs = [[Double]](repeating: [0.1, 0.2, 0.3, 0.4, 0.5], count: 5)
    runs[0][2] = .nan
    sheet.methods[0].seeds = [0, 1, 2, 3, 4]
    sheet.panels[0].values = [runs]
    let scene = try sheet.scene()
    #expect(lines(scene, "loss").map(\.points.count) == [2, 2])
    #expect(scene.caption.contains("end where fewer than 5"))
    runs.append([0.1, 0.2, 0.3, 0.4, 0.5])
    sheet.panels[0].values = [runs]
    #expect(try lines(sheet.scene(), "loss").map(\.points.count) == [5])
  }

  @Test("Thresholds stand at T over attention and at 1 − T over loss, tries above their steps")
  func schedule() throws {
    let scene = try Self.sheet(methods: 2, seeds: 3).scene()
    for (panel, expected) in [
      ("loss", [0.95, 0.5, 0.2]), ("excitation score: frog", [0.05, 0.5, 0.8]),
    ] {
      let value = try axis(scene, panel)
      var levels: [Double] = []
      scene.visit { path, node in
        if path == [panel], case .path(let points, _, nil, let stroke?) = node,
          stroke.width == 1.5
        {
          levels.append(value(points[0]))
        }
      }
      #expect(levels.count == 3)
      for (found, level) in zip(levels, expected) { #expect(abs(found - level) < 1e-9) }
    }
    let words = scene.texts.map(\.string)
    for count in ["Σ3", "Σ21", "Σ60"] { #expect(words.count { $0 == count } == 3) }
    #expect(try Self.sheet(seeds: 1).scene().texts.contains { $0.string == "×20" })
  }

  @Test("Lines have the losses, attentions, entropies and overlaps of the recording")
  func recorded() throws {
    try withFolder { folder in
      let scores: [[Float]] = [[0.25, 0.5], [0.75, 0.125], [0.5, 1]]
      let path = folder.appendingPathComponent("run")
      _ = try recordSynthetic(path, "attend-and-excite", seed: 4, [:])
      let run = try measure(path, scores, tries: [0: 2])
      let scene = try CurvesSheet(
        runs: [run], measures: CurveMeasure.allCases, software: "test"
      ).scene()
      checkStructure(of: scene)
      let measurement = RunMeasurement(by: Recipe(layers: Recipe.lossGrid), keeping: [.step])
      let entropy = try column(
        "relative_entropy", measurement.statistics(run, of: run.manifest.subjects))
      let overlap = try column("soft_jaccard", measurement.overlap(run, of: run.manifest.subjects))
      func even(_ values: [Double], _ first: Int) -> [Double] {
        stride(from: first, to: values.count, by: 2).map { values[$0] }
      }
      let peaks = try peaks(of: run, by: Recipe(layers: Recipe.lossGrid))
      let expected: [String: [Double]] = [
        "peak attention: cat": peaks[0], "peak attention: frog": peaks[1],
        "loss": [0.75, 0.875, 0.5], "excitation score: cat": [0.25, 0.75, 0.5],
        "excitation score: frog": [0.5, 0.125, 1], "entropy: cat": even(entropy, 0),
        "entropy: frog": even(entropy, 1), "overlap: cat and frog": overlap,
      ]
      for (panel, values) in expected {
        let value = try axis(scene, panel)
        let line = try #require(lines(scene, panel).first)
        #expect(line.points.count == 3 && values.count == 3)
        for (point, expected) in zip(line.points, values) {
          #expect(abs(value(point) - expected) < 1e-6, "\(panel)")
        }
      }
      #expect(scene.texts.contains { $0.string == "×2" })
      #expect(scene.caption.contains("seed 4"))
    }
  }

  /// `[subject][step]` the largest value of the map that the recipe makes of that step alone.
  private func peaks(of run: RecordedRun, by recipe: Recipe) throws -> [[Double]] {
    try run.manifest.subjects.map { subject in
      try run.manifest.timesteps.indices.map { step in
        let maps = try run.maps(of: [subject], by: recipe.taking(steps: [step]))
        return Double(try #require(maps[0].map.values.max()))
      }
    }
  }

  @Test(
    "The peak attention of a step is the largest value of the recipe's map of that step, in both layouts",
    arguments: ["", "mean(layer: 2x3)", "max(head) mean(layer: 2x3)"])
  func peakOfRecipe(text: String) throws {
    try withFolder { folder in
      let runs = try ["stable-diffusion", "attend-and-excite"].map {
        try recordSynthetic(folder.appendingPathComponent($0), $0, seed: 1, [:])
      }
      let recipe = text.isEmpty ? Recipe(layers: Recipe.lossGrid) : try Recipe(parsing: text)
      let curves = try CurvesSheet(
        runs: runs, measures: [.peak], recipe: text.isEmpty ? nil : recipe, software: "test")
      let compare = try CompareSheet(
        runs: runs, recipe: text.isEmpty ? nil : recipe, curves: .strip, software: "test")
      for (method, run) in runs.enumerated() {
        for (word, expected) in try peaks(of: run, by: recipe).enumerated() {
          #expect(expected.count == 3 && expected.allSatisfy { $0 > 0 })
          #expect(curves.panels[word].values[method][0] == expected)
          #expect(compare.seeds[0].runs[method].curves[.peak]?[word] == expected)
        }
      }
    }
  }

  private func column(_ name: String, _ table: MeasurementTable) throws -> [Double] {
    let index = try #require(table.values.firstIndex(of: name))
    return table.rows.map { $0.values[index] }
  }

  @Test(
    "Both ends of an axis bear labels and the values lie between them",
    arguments: [(0.651, 0.887), (0.53, 0.96), (0.002, 0.689), (0.5, 0.5), (0, 1), (-0.31, 12.7)])
  func axes(least: Double, greatest: Double) throws {
    var sheet = Self.sheet(methods: 1, seeds: 1, steps: 2)
    sheet.panels = [
      .init(measure: .entropy, subjects: ["cat"], values: [[[least, greatest]]])
    ]
    let scene = try sheet.scene()
    checkStructure(of: scene)
    let frame = try #require(plot(scene, "entropy: cat"))
    var marks: [Double] = []
    scene.visit { path, node in
      if path == ["entropy: cat"], case .text(let text) = node, text.box.maxX < frame.x,
        text.origin.y > frame.y
      {
        marks.append(text.origin.y - 2.1)
      }
    }
    #expect((3...5).contains(marks.count))
    #expect(abs((marks.min() ?? 0) - frame.y) < 1e-6)
    #expect(abs((marks.max() ?? 0) - frame.maxY) < 1e-6)
    for point in lines(scene, "entropy: cat")[0].points {
      #expect(point.y >= frame.y - 1e-9 && point.y <= frame.maxY + 1e-9)
    }
  }

  @Test("Entropy and overlap begin rows of their own where that takes no more rows")
  func rows() throws {
    let sheet = Self.sheet(subjects: ["cat", "frog", "dog"])
    let scene = try sheet.scene()
    var tops: [Double] = []
    for panel in ["loss", "entropy: cat", "entropy: dog", "overlap: cat and frog"] {
      tops.append(try #require(plot(scene, panel)).y)
    }
    #expect(tops[0] < tops[1] && tops[1] == tops[2] && tops[2] < tops[3])
  }

  // MARK: - What cannot be drawn

  @Test("What was not recorded is left out and said, and refused where it was asked for")
  func notRecorded() throws {
    try withFolder { folder in
      // A synthetic run says nothing of its denoising passes.
      let path = folder.appendingPathComponent("run")
      let run = try recordSynthetic(path, "attend-and-excite", seed: 1, [:])
      let sheet = try CurvesSheet(runs: [run], software: "test")
      #expect(sheet.panels.map(\.measure) == [.peak, .peak, .entropy, .entropy, .overlap])
      #expect(sheet.gaps == ["No run recorded loss."])
      checkStructure(of: try sheet.scene())
      // Scores that nobody measured are made of the maps.
      let scores = try CurvesSheet(runs: [run], measures: [.score], software: "test")
      #expect(scores.panels.allSatisfy { $0.values[0][0].allSatisfy { (0...1).contains($0) } })
      for measures in [[CurveMeasure.loss], [.entropy, .loss]] {
        let error = #expect(throws: AnalysisError.self) {
          try CurvesSheet(runs: [run], measures: measures, software: "test")
        }
        #expect(error?.description.contains(run.folder.path) == true)
      }
      #expect(throws: AnalysisError.self) {
        try CurvesSheet(runs: [run], recipe: Recipe(layers: "9x9"), software: "test")
      }
      let unfinished = try recordSynthetic(
        folder.appendingPathComponent("cut"), "attend-and-excite", seed: 2, ["status": "running"])
      #expect(
        try CurvesSheet(runs: [unfinished], measures: [.entropy], software: "test").gaps
          == ["Attend-and-Excite, seed 2, is unfinished: drawn up to step 2."])
      let measured = try measure(path, [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
      try FileManager.default.removeItem(at: path.appendingPathComponent("attention.zarr"))
      let bare = try CurvesSheet(runs: [RecordedRun(measured.folder.path)], software: "test")
      // Without maps the recorded score stands in for the peak, under its own name.
      #expect(bare.panels.map(\.measure) == [.score, .score, .loss])
      checkStructure(of: try bare.scene())
      #expect(bare.gaps.count == 2)
      try Data().write(to: path.appendingPathComponent("calls.jsonl"))
      #expect(throws: AnalysisError.self) {
        try CurvesSheet(runs: [RecordedRun(path.path)], software: "test")
      }
    }
  }

  @Test("Runs that do not belong together, twice the same seed and no run are refused")
  func refusals() throws {
    try withFolder { folder in
      func run(_ name: String, _ method: String, _ seed: Int, _ members: [String: Any] = [:]) throws
        -> RecordedRun
      {
        try recordSynthetic(folder.appendingPathComponent(name), method, seed: seed, members)
      }
      let first = try run("a", "attend-and-excite", 1)
      #expect(throws: FigureError.inconsistentSheet("no run to show")) {
        try CurvesSheet(runs: [], software: "test")
      }
      let twice = #expect(throws: FigureError.self) {
        try CurvesSheet(runs: [first, run("b", "attend-and-excite", 1)], software: "test")
      }
      #expect(twice?.description.contains("both seed 1 of attend-and-excite") == true)
      for members in [["guidanceScale": 3], ["timesteps": [3, 2, 1]]] as [[String: Any]] {
        let name = "c\(members.count)\(members.keys.first ?? "")"
        #expect(throws: AnalysisError.self) {
          try CurvesSheet(
            runs: [first, run(name, "stable-diffusion", 2, members)], software: "test")
        }
      }
      let single = try run("d", "a", 1, ["subjects": [["name": "cat", "tokens": [2]]]])
      #expect(throws: FigureError.self) {
        try CurvesSheet(runs: [single], measures: [.overlap], software: "test")
      }
      #expect(
        try CurvesSheet(runs: [single], software: "test").panels.map(\.measure) == [
          .peak, .entropy,
        ])
    }
    #expect(throws: FigureError.tooNarrow(width: 100, needed: 158)) {
      try Self.sheet().scene(SheetStyle(width: 100))
    }
    for width in [Double.nan, -1, .infinity] {
      #expect(throws: FigureError.self) { try Self.sheet().scene(SheetStyle(width: width)) }
    }
    #expect(throws: FigureError.self) { try Self.sheet(methods: 9).scene() }
  }

  @Test("The same sheet gives the same bytes")
  func bytes() throws {
    let (one, other) = (try Self.sheet().scene(), try Self.sheet().scene())
    #expect(one.json == other.json)
    #expect(try PDFBackend.data(one) == PDFBackend.data(other))
    #expect(try PNGBackend.data(one, dpi: 100) == PNGBackend.data(other, dpi: 100))
  }

  @Test("A panel of a word has the word's colour for every method; others the methods' own")
  func colors() throws {
    let scene = try Self.sheet(methods: 3).scene()
    func colors(_ panel: String) -> [Color] {
      var colors: [Color] = []
      scene.visit { path, node in
        if path.first == panel, path.count == 2, path[1].hasPrefix("line "),
          case .path(let points, false, nil, let stroke?) = node, points.count > 4
        {
          colors.append(stroke.color)
        }
      }
      return colors
    }
    for measure in ["peak attention", "excitation score", "entropy"] {
      for (index, word) in ["cat", "frog"].enumerated() {
        #expect(colors("\(measure): \(word)") == [Color](repeating: Palette.words[index], count: 3))
      }
    }
    for panel in ["loss", "overlap: cat and frog"] {
      #expect(Set(colors(panel)).count == 3)
      #expect(Set(colors(panel)).isDisjoint(with: Palette.words))
    }
  }

  @Test("Methods differ in colour, in dashes and in markers, and bands are light and opaque")
  func styles() throws {
    let scene = try Self.sheet(methods: 4).scene()
    var strokes: [Int: Scene.Stroke] = [:]
    scene.visit { path, node in
      if path.first == "loss", path.count == 2, path[1].hasPrefix("line "),
        case .path(let points, false, nil, let stroke?) = node, points.count > 4
      {
        strokes[Int(path[1].dropFirst(5)) ?? -1] = stroke
      }
      if path == ["loss", "bands"], case .path(_, true, let fill?, _) = node {
        #expect(fill.luminance > 0.55 && fill != .white)
      }
    }
    #expect(Set(strokes.values.map(\.color)).count == 4)
    #expect(Set(strokes.values.map(\.dash)).count == 4)
    for stroke in strokes.values { #expect(stroke.color.contrast(to: .white) >= 3) }
  }
}
