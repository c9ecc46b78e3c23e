import AttentionAnalysis
import Drawing
import Figures
import Foundation
import Pictures
import Testing

/// The figures of a benchmark: bars of scores, pictures in strips and grids, ablations.
@Suite("Figures of a benchmark")
struct BenchmarkSheetTests {
  private static let methods = ["Stable Diffusion", "Attend-and-Excite", "SynGen"]
  private static let names = ["scores", "strips", "grid", "ablations"]

  private func interval(_ values: [Double]) -> BootstrapInterval {
    Bootstrap(resamples: 50).interval(of: values)
  }

  private func sheet(
    _ means: [[[Double]]], bounds: [Double?] = [nil]
  ) -> ScoreSheet {
    ScoreSheet(
      suite: "suite", model: "model",
      subsets: means.indices.map { ScoreSheet.Subset(name: "subset \($0)", pictures: [4]) },
      methods: Self.methods.prefix(means[0].count).enumerated().map {
        ScoreSheet.Method(title: $1, isPlain: $0 == 0)
      },
      scores: [
        ScoreSheet.Score(
          title: "CLIP full prompt", means: means.map { $0.map(interval) },
          bounds: bounds.map { $0.map { interval([$0 - 0.01, $0 + 0.01]) } })
      ], bound: "photos", metadata: Sample.metadata)
  }

  /// The rectangles that are the outlines of bars, by the places of their charts and their numbers.
  private func bars(_ scene: Scene) -> [[Scene.Rect]] {
    var charts: [String: [Int: Scene.Rect]] = [:]
    scene.visit { path, node in
      guard let chart = path.first(where: { $0.hasPrefix("chart ") }), let name = path.last,
        name.hasPrefix("bar "), let number = Int(name.dropFirst(4)),
        case .rectangle(let rect, nil, .some) = node
      else { return }
      charts[chart, default: [:]][number] = rect
    }
    return charts.sorted { $0.key < $1.key }.map {
      $0.value.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// What the labels left of the first chart say of a place upwards.
  private func value(at y: Double, _ scene: Scene) throws -> Double {
    let labels = scene.texts.compactMap { text -> (value: Double, y: Double)? in
      guard text.anchor == .end, let value = Double(text.string.replacing("−", with: "-"))
      else { return nil }
      return (value, text.origin.y - 2.1)
    }
    let (low, high) = (try #require(labels.first), try #require(labels.last))
    return low.value + (high.value - low.value) * (low.y - y) / (low.y - high.y)
  }

  @Test(
    "A bar ends at its mean on the axis, and begins where the note says",
    arguments: [
      ([[[0.31, 0.33], [0.29, 0.35], [0.36, 0.36]]], true),
      ([[[0.1, 0.2], [0.5, 0.7], [1, 1]]], false),
      ([[[-0.2, -0.1], [0.3, 0.3], [0.1, 0.2]]], false),
      ([[[12, 13], [11, 14], [15, 15]]], true),
    ])
  func lengths(means: [[[Double]]], isCut: Bool) throws {
    let scene = try sheet(means).scene()
    checkStructure(of: scene)
    let bars = try #require(bars(scene).first)
    #expect(bars.count == 3)
    for (bar, values) in zip(bars, means[0]) {
      let mean = values.reduce(0, +) / Double(values.count)
      let end = mean < 0 ? bar.maxY : bar.y
      #expect(abs(try value(at: end, scene) - mean) < 1e-3 * max(1, abs(mean)))
      if !isCut {
        #expect(abs(try value(at: mean < 0 ? bar.y : bar.maxY, scene)) < 1e-3)
      }
    }
    let note = scene.texts.map(\.string).joined(separator: " ")
    #expect(note.contains("not at 0") == isCut)
    if isCut {
      let begin = try #require(try /begin at ([0-9.]+),/.firstMatch(in: note)?.output.1)
      let start = try value(at: bars[0].maxY, scene)
      #expect(abs(try #require(Double(begin)) - start) < 1e-3 * max(1, abs(start)))
    }
  }

  @Test("Error bars are the interval's ends, and what is not scored has a cross and no bar")
  func intervals() throws {
    let values = [0.2, 0.3, 0.4, 0.5]
    let scene = try sheet([[values, [], values]]).scene()
    let expected = interval(values)
    var caps: Set<Double> = []
    scene.visit { path, node in
      if path.last == "bar 1", case .path(let points, _, _, let stroke) = node,
        stroke?.width == 0.8,
        points.count == 2, points[0].y == points[1].y
      {
        caps.insert(points[0].y)
      }
    }
    let ends = try caps.map { try value(at: $0, scene) }.sorted()
    #expect(ends.count == 2)
    #expect(abs(ends[0] - expected.lower) < 1e-3 && abs(ends[1] - expected.upper) < 1e-3)
    #expect(bars(scene)[0].count == 2)
    #expect(scene.texts.contains { $0.string.contains("A cross: not scored.") })
  }

  @Test("Photos are a dashed line across, at their mean, and no bar")
  func bound() throws {
    let scene = try sheet([[[0.2, 0.3], [0.3, 0.4]]], bounds: [0.6]).scene()
    var heights: [Double] = []
    scene.visit { path, node in
      if path.last == "upper bound", case .path(let points, _, _, let stroke) = node {
        #expect(stroke?.dash.isEmpty == false && points[0].y == points[1].y)
        heights.append(points[0].y)
      }
    }
    #expect(heights.count == 1 && bars(scene)[0].count == 2)
    #expect(abs(try value(at: heights[0], scene) - 0.6) < 1e-3)
    #expect(scene.texts.contains { $0.string == "photos" })
    #expect(try !sheet([[[0.2, 0.3]]]).scene().texts.contains { $0.string == "photos" })
  }

  @Test("Bars of seven methods differ in grey print by lines, and all bear their numbers")
  func grey() throws {
    let layout = SampleLayout(name: "scores", seeds: 8, words: 3)
    let scene = try layout.sheet.scene(SheetStyle(width: Venue.cvpr.column))
    var looks: [Int: Set<String>] = [:]
    scene.visit { path, node in
      guard let name = path.last, name.hasPrefix("bar "), let number = Int(name.dropFirst(4))
      else { return }
      switch node {
      case .rectangle(let rect, let fill?, nil) where rect.height > 20:
        if fill != scene.paper { looks[number, default: []].insert("solid") }
      case .path(let points, _, nil, let stroke?) where stroke.width == 0.7:
        let (right, down) = (points[1].x - points[0].x, points[1].y - points[0].y)
        looks[number, default: []].insert(
          abs(down) < 0.01
            ? "level" : abs(right) < 0.01 ? "upright" : right * down < 0 ? "rising" : "falling")
      default: break
      }
    }
    #expect(looks[1] == nil)
    let guided = (2...7).map { looks[$0] ?? [] }
    #expect(Set(guided).count == 6, "\(guided)")
    for number in 1...8 {
      #expect(scene.texts.count { $0.string == "\(number)" } == 9)
      #expect(scene.texts.contains { $0.string.hasPrefix("\(number) ") })
    }
  }

  @Test("More methods than a column holds are refused with a width that does")
  func tooMany() throws {
    let layout = SampleLayout(name: "scores", seeds: 60, words: 1)
    let error = #expect(throws: FigureError.self) {
      try layout.sheet.scene(SheetStyle(width: 200))
    }
    guard case .tooNarrow(width: 200, let needed) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    checkStructure(of: try layout.sheet.scene(SheetStyle(width: needed)))
  }

  @Test(
    "Every picture is drawn once, in the order of the seeds, and a missing one is struck through")
  func pictures() throws {
    let pictures = (0..<23).map { $0 == 4 ? nil : Sample.image(UInt64($0 % 16), width: 20 + $0) }
    let sheet = PictureSheet(
      prompt: "a cat",
      blocks: [
        PictureSheet.Block(title: "one", rows: [PictureSheet.Row(pictures: pictures)])
      ], shown: "pictures", note: "", metadata: Sample.metadata)
    for width in [Venue.cvpr.column, Venue.cvpr.full] {
      let scene = try sheet.scene(SheetStyle(width: width))
      checkStructure(of: scene)
      var drawn: [(width: Int, frame: Scene.Rect)] = []
      scene.visit { _, node in
        if case .image(let picture, let frame) = node { drawn.append((picture.width, frame)) }
      }
      for (one, next) in zip(drawn, drawn.dropFirst()) {
        #expect(next.frame.y > one.frame.maxY || next.frame.x > one.frame.maxX)
      }
      #expect(drawn.map(\.width) == pictures.compactMap { $0?.width })
      #expect(scene.texts.contains { $0.string.contains("Struck through: no complete run.") })
      for (picture, frame) in drawn {
        let shape = Double(64) / Double(picture)
        #expect(abs(frame.height / frame.width - shape) < 1e-9)
      }
    }
  }

  @Test("Long strips go on on other pages, each with the names of its prompt and columns")
  func paged() throws {
    let layout = SampleLayout(name: "strips", seeds: 8, words: 4)
    var style = SheetStyle(for: .eccv)
    style.height = 150
    let pages = try layout.sheet.pages(style)
    #expect(pages.count > 1)
    for page in pages where page.panels.count > 0 {
      #expect(page.texts.contains { $0.string.contains("“a ") })
      #expect(page.texts.contains { $0.string == "seed 0" })
      #expect(page.height <= 150)
    }
    #expect(pages.reduce(0) { $0 + $1.panels.count } == 4 * 15)
  }

  @Test("Of ablations the usual value alone has a filled marker, and its mean is a line across")
  func ablations() throws {
    let values = ["5", "20", "40"]
    let means = [[0.3, 0.3], [0.36, 0.36], [0.33, 0.33]].map(interval)
    let scene = try AblationSheet(
      method: "Attend-and-Excite", suite: "suite", model: "model", scores: ["CLIP full prompt"],
      knobs: [.init(name: "scale-factor", values: values, usual: 1, means: [means])],
      pictures: [4, 4, 4], metadata: Sample.metadata
    ).scene()
    checkStructure(of: scene)
    var (filled, open): ([Double], [Double]) = ([], [])
    var level: Double?
    scene.visit { path, node in
      guard path.last?.hasPrefix("chart ") == true,
        case .path(let points, let closed, let fill, let stroke) = node
      else { return }
      if closed {
        let middle = points.map(\.y).reduce(0, +) / Double(points.count)
        if fill == scene.paper { open.append(middle) } else { filled.append(middle) }
      } else if stroke?.dash == [2, 1.5] {
        level = points[0].y
      }
    }
    #expect(filled.count == 1 && open.count == 2)
    #expect(abs(try #require(level) - filled[0]) < 1e-6)
    #expect(filled[0] < open[1] && open[1] < open[0])
    #expect(scene.texts.contains { $0.string == "as usual: nothing varied" })
    for value in values { #expect(scene.texts.contains { $0.string == value }) }
  }

  @Test("All endings of a sheet are written; moving pictures are refused", arguments: names)
  func files(name: String) throws {
    try withFolder { folder in
      let sheet = SampleLayout(name: name, seeds: 4, words: 3).sheet
      let paths = ["pdf", "png", "svg", "json", "tex"].map { folder.path + "/a." + $0 }
      let output = try sheet.write(to: paths, style: SheetStyle(for: .cvpr), dpi: 50)
      #expect(output.files == paths.map { [$0] } && output.pages == 1)
      #expect(try run("pdffonts", [paths[0]]).output.contains(" yes yes yes "))
      let hidden = try sheet.write(
        to: [folder.path + "/b.svg"], style: SheetStyle(), isAnonymous: true)
      #expect(!(try String(contentsOfFile: hidden.files[0][0], encoding: .utf8)).contains("Heed"))
      #expect(throws: FigureError.self) {
        try sheet.write(to: [folder.path + "/a.gif"], style: SheetStyle())
      }
    }
  }

  @Test("The scene is the one that was looked at", arguments: names)
  func golden(name: String) throws {
    let layout = SampleLayout(name: name, seeds: 7, words: 3)
    try expectGolden(layout.sheet.scene(SheetStyle(width: Venue.icml.full)), "layout-\(name)")
  }
}
