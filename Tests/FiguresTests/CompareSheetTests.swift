import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import Pictures
import Testing

@Suite("The compare sheet")
struct CompareSheetTests {
  private static let sizes =
    [1, 2, 3, 5, 8].flatMap { seeds in
      (1...4).map { (seeds, $0) }
    } + [(16, 1), (16, 2), (16, 4)]

  // MARK: - Reading a scene back

  /// The frames of pictures or maps of one seed and method, by the name of their group.
  private func frames(_ scene: Scene, _ seed: Int, _ method: String) -> [String: Scene.Rect] {
    scene.panels.filter { $0.path.starts(with: ["seed \(seed)", method]) }
      .reduce(into: [:]) { $0[$1.path[2]] = $1.frame }
  }

  /// What is drawn in a group of the chart of a seed.
  private func paths(
    _ scene: Scene, _ seed: Int, _ measure: String, _ group: String
  ) -> [(points: [Scene.Point], fill: Color?, stroke: Scene.Stroke?)] {
    var paths: [([Scene.Point], Color?, Scene.Stroke?)] = []
    scene.visit { path, node in
      if path == ["seed \(seed)", "curve \(measure)", group],
        case .path(let points, _, let fill, let stroke) = node
      {
        paths.append((points, fill, stroke))
      }
    }
    return paths
  }

  // MARK: - Structure

  @Test(
    "Nothing is clipped, nothing overlaps, and every map has its peak", arguments: sizes,
    [495.0, 396, 236.25])
  func structure(size: (seeds: Int, subjects: Int), width: Double) throws {
    for curves in CompareCurves.allCases {
      let scene = try Sample.sheet(seeds: size.seeds, subjects: size.subjects, curves: curves)
        .scene(SheetStyle(width: width))
      #expect(scene.warnings.isEmpty)
      checkStructure(of: scene)
      #expect(scene.width == width)
      for index in 0..<size.seeds {
        #expect(scene.texts.contains { $0.string == "seed \(index)" })
        for method in Sample.methods.prefix(2) {
          #expect(frames(scene, index, method).count == size.subjects + 1)
        }
      }
      #expect(!scene.texts.contains { $0.string.contains("…") })
    }
  }

  @Test(
    "A map is half as wide as its picture and below it, two in a row, its word above and its peak below",
    arguments: sizes, [495.0, 236.25])
  func arrangement(size: (seeds: Int, subjects: Int), width: Double) throws {
    let sheet = Sample.sheet(seeds: size.seeds, subjects: size.subjects, curves: .strip)
    let scene = try sheet.scene(SheetStyle(width: width))
    for seed in 0..<size.seeds {
      var pictures: [Scene.Rect] = []
      for method in Sample.methods.prefix(2) {
        let frames = frames(scene, seed, method)
        let picture = try #require(frames["picture"])
        pictures.append(picture)
        var tops: [Double: Int] = [:]
        for word in Sample.words.prefix(size.subjects) {
          let map = try #require(frames["map \(word)"])
          #expect((0.42...0.5).contains(map.width / picture.width))
          #expect(map.y > picture.maxY && map.x >= picture.x - 1e-9)
          #expect(map.maxX <= picture.maxX + 1e-9)
          tops[map.y, default: 0] += 1
          let labels = scene.texts.filter {
            $0.box.x >= map.x - 1 && $0.box.maxX <= map.maxX + 1
              && $0.box.y < map.maxY + 12 && $0.box.maxY > map.y - 12
          }
          #expect(labels.contains { $0.string.hasPrefix(word) && $0.box.maxY <= map.y })
          #expect(labels.contains { $0.string.contains(".") && $0.box.y >= map.maxY })
        }
        #expect(tops.values.allSatisfy { $0 <= 2 } && tops.count == (size.subjects + 1) / 2)
      }
      #expect(pictures[0].y == pictures[1].y && pictures[0].maxX < pictures[1].x)
      let curves = try #require(paths(scene, seed, "peak", "line 0").first)
      #expect(curves.points.allSatisfy { $0.y > pictures[0].maxY + pictures[0].height / 3 })
    }
  }

  @Test(
    "Every count of seeds from 1 to 16 fits, fills the width, and is no higher than a printed page")
  func everyCount() throws {
    for seeds in 1...16 {
      for width in [495.0, 236.25] {
        let scene = try Sample.sheet(seeds: seeds, subjects: 2, curves: .without).scene(
          SheetStyle(width: width))
        checkStructure(of: scene)
        #expect(scene.panels.map(\.frame.maxX).max() ?? 0 > width - 2)
        // In a column more seeds go to further pages: blocks are not made smaller than legible.
        #expect(scene.height < 720 || width < 400 && seeds > 8, "\(seeds) seeds at \(width)")
      }
    }
  }

  @Test("Methods stand side by side, as many as there are", arguments: 2...4, [495.0, 345.6])
  func methods(count: Int, width: Double) throws {
    for seeds in [1, 2, 8] {
      let scene = try Sample.sheet(seeds: seeds, subjects: 2, methods: count).scene(
        SheetStyle(width: width))
      checkStructure(of: scene)
      var lefts: [Double] = []
      for method in Sample.methods.prefix(count) {
        lefts.append(try #require(frames(scene, 0, method)["picture"]).x)
      }
      #expect(lefts == lefts.sorted() && Set(lefts).count == count)
    }
  }

  @Test(
    "A neglected subject has a frame around its map, its word in bold, and a line in the legend")
  func missing() throws {
    for (seeds, width) in [(2, 495.0), (16, 495), (2, 236.25)] {
      let scene = try Sample.sheet(seeds: seeds, subjects: 2, curves: .without).scene(
        SheetStyle(width: width))
      for seed in 0..<seeds {
        for method in Sample.methods.prefix(2) {
          for word in Sample.words.prefix(2) {
            let isMissing = seed % 2 == 0 && method == Sample.methods[0] && word == "cat"
            let group = ["seed \(seed)", method, "map \(word)"]
            let map = try #require(frames(scene, seed, method)["map \(word)"])
            var (rings, labels): (Int, [Scene.Text]) = (0, [])
            scene.visit { path, node in
              guard path == group else { return }
              if case .rectangle(let rect, nil, let stroke?) = node, rect.width > map.width {
                rings += 1
                #expect(stroke.width >= 1 && rect.height > map.height)
              }
              if case .text(let text) = node, text.box.maxY <= map.y { labels.append(text) }
            }
            #expect(rings == (isMissing ? 1 : 0))
            #expect(labels.allSatisfy { $0.isBold == isMissing } && !labels.isEmpty)
          }
        }
      }
      #expect(scene.texts.contains { $0.string == "neglected subject" })
      #expect(scene.caption.contains("cat of Stable Diffusion (seed"))
    }
    let scene = try Sample.sheet(seeds: 2, subjects: 2).scene()
    #expect(scene.texts.contains { $0.string == "cat — neglected" && $0.isBold })
    var sheet = Sample.sheet(seeds: 1, subjects: 2)
    sheet.seeds[0].runs[0].verdicts = [.high, .weak]
    #expect(try !sheet.scene().texts.contains { $0.string.contains("neglected") })
  }

  @Test("All maps of a sheet are on one scale, with one colour bar")
  func oneScale() throws {
    let sheet = Sample.sheet(seeds: 4, subjects: 3)
    let scene = try sheet.scene(
      SheetStyle(maps: MapStyle(overlay: .cells, interpolation: .nearest)))
    var colors: [Float: [UInt8]] = [:]
    for (seed, results) in sheet.seeds.enumerated() {
      for (method, run) in zip(sheet.methods, results.runs) {
        for (word, map) in zip(sheet.subjects, run.maps) {
          let group = ["seed \(seed)", method.title, "map \(word.name)"]
          scene.visit { path, node in
            guard path == group, case .image(let picture, _) = node else { return }
            for (index, value) in map.values.enumerated() {
              let color = Array(picture.pixels[(3 * index)..<(3 * index + 3)])
              #expect(colors[value, default: color] == color)
              colors[value] = color
            }
          }
        }
      }
    }
    #expect(colors.count > 100)
    var bars = 0
    scene.visit { path, _ in if path.last == "color bar" { bars += 1 } }
    #expect(bars > 0)
    #expect(scene.texts.count { $0.string.hasPrefix("mean attention probability") } == 1)
  }

  // MARK: - Curves

  @Test("Curves are drawn on request only: peak attention in a strip, the score too in full")
  func request() throws {
    let titles: [(CompareCurves, [String])] = [
      (.without, []), (.strip, ["peak attention by step"]),
      (.full, ["peak attention by step", "excitation score by step"]),
    ]
    for (curves, expected) in titles {
      let scene = try Sample.sheet(seeds: 1, subjects: 2, curves: curves).scene()
      #expect(scene.texts.map(\.string).filter { $0.hasSuffix("by step") } == expected)
    }
  }

  @Test("Lines that coincide stay visible, by markers at steps of their own and by width")
  func coincidence() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 4, curves: .strip)
    let same = [[Double]](repeating: (0..<50).map { Double($0) / 200 }, count: 4)
    for method in 0..<2 { sheet.seeds[0].runs[method].curves = [.peak: same] }
    let scene = try sheet.scene()
    var (steps, widths): (Set<Int>, [Double]) = ([], [])
    for index in 0..<8 {
      let line = try #require(paths(scene, 0, "peak", "line \(index)").first)
      let markers = paths(scene, 0, "peak", "markers \(index)")
      #expect(!markers.isEmpty)
      // Even lines are those of the plain method.
      let isPlain = index % 2 == 0
      #expect(line.stroke?.color == Palette.words[index / 2])
      #expect((line.stroke?.dash.isEmpty == false) == isPlain)
      for marker in markers {
        #expect((marker.stroke != nil) == isPlain)
        #expect((isPlain ? marker.stroke?.color : marker.fill) == Palette.words[index / 2])
        let middle =
          ((marker.points.map(\.x).min() ?? 0) + (marker.points.map(\.x).max() ?? 0)) / 2
        let step = line.points.indices.min {
          abs(line.points[$0].x - middle) < abs(line.points[$1].x - middle)
        }
        #expect(steps.insert(try #require(step)).inserted, "a marker on a marker")
      }
      let casing = paths(scene, 0, "peak", "casing \(index)").first?.stroke
      widths.append(casing?.width ?? line.stroke?.width ?? 0)
      #expect(casing == nil || casing?.color == line.stroke?.color)
    }
    // Each line shows at both sides of those that are drawn on it.
    for (below, above) in zip(widths, widths.dropFirst()) { #expect(below >= above + 1) }
  }

  @Test("Lines that are apart have no casing")
  func apart() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 2, curves: .strip)
    for method in 0..<2 {
      sheet.seeds[0].runs[method].curves = [
        .peak: (0..<2).map { word in
          [Double](repeating: 0.05 + 0.05 * Double(2 * method + word), count: 50)
        }
      ]
    }
    let scene = try sheet.scene()
    for index in 0..<4 { #expect(paths(scene, 0, "peak", "casing \(index)").isEmpty) }
  }

  @Test("The legend says what open and filled markers and each colour mean")
  func legend() throws {
    let words = try Sample.sheet(seeds: 1, subjects: 2, curves: .strip).scene().texts.map(\.string)
    #expect(words.contains("Stable Diffusion: open markers"))
    #expect(words.contains("Attend-and-Excite: filled markers"))
    #expect(words.count { $0 == "frog" } == 3)
  }

  @Test("Curves of every kind are drawn or left out without a trap")
  func curves() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.seeds[0].runs[0].curves = [:]
    sheet.seeds[0].runs[1].curves = [
      .score: [[.nan, 0.5, .nan, 0.25, 0.1, .infinity, 12.5, -3]], .peak: [[.nan]],
    ]
    sheet.thresholds = [-1: 0.5, 3: 0.5, 4: 0.6, 5: 2, 4000: 0.5]
    sheet.seeds[0].runs[1].tries = [-1: 4, 0: 1, 1: 20, 2: 20, 3: 20, 7000: 1]
    checkStructure(of: try sheet.scene())
    sheet.seeds[0].runs[1].curves = [:]
    let scene = try sheet.scene()
    checkStructure(of: scene)
    #expect(!scene.texts.contains { $0.string.hasSuffix("by step") })
    for steps in [1, 2, 12, 1000] {
      checkStructure(of: try Sample.sheet(seeds: 1, subjects: 2, steps: steps).scene())
    }
  }

  // MARK: - Anything

  @Test("Long words, long prompts and awkward characters stay on the page")
  func awkward() throws {
    var sheet = Sample.sheet(seeds: 2, subjects: 4)
    sheet.prompt = String(repeating: "antidisestablishmentarianism ", count: 30)
    sheet.subjects[0].name = String(repeating: "w", count: 200)
    sheet.subjects[1].tokens = "tokens 10–11, 12–13, 14–15 and 16–17"
    sheet.methods[0].title = "A method with a name as long as a sentence that does not end"
    sheet.recipe = String(repeating: "mean over everything, ", count: 30)
    sheet.seeds[0].seed = .max
    for width in [495, 236.25] {
      checkStructure(of: try sheet.scene(SheetStyle(width: width)))
    }
    sheet.prompt =
      "a\tcat\nand \u{0} \\frog{} <&> \u{202E}mirrored " + String(repeating: "x", count: 300)
    let scene = try sheet.scene()
    checkStructure(of: scene)
    #expect(scene.texts.contains { $0.string.hasPrefix("“a cat and") })
    #expect(scene.warnings.contains { $0.contains("U+202E") })
  }

  @Test("A word and a method's name are whole, in as many lines as they take")
  func wholeWords() throws {
    var sheet = Sample.sheet(seeds: 4, subjects: 2, curves: .without)
    sheet.subjects[0].name = "hippopotamus family"
    for width in [495, 236.25] {
      let scene = try sheet.scene(SheetStyle(width: width))
      checkStructure(of: scene)
      for (name, count) in [("hippopotamus family", 8), ("Attend-and-Excite", 4)] {
        let letters = name.filter { $0 != " " }
        var found: [[String]: String] = [:]
        scene.visit { path, node in
          if case .text(let text) = node, path.first?.hasPrefix("seed") == true {
            found[path, default: ""] += text.string.filter { $0 != " " }
          }
        }
        #expect(found.values.count { $0.contains(letters) } >= count / 2, "\(name) at \(width)")
      }
    }
  }

  @Test("Maps of any size and content are drawn", arguments: OverlayMode.allCases)
  func maps(overlay: OverlayMode) throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 4)
    sheet.seeds[0].runs[0].maps = [
      AttentionMap(grid: Grid(rows: 1, columns: 1), values: [0]),
      AttentionMap(grid: Grid(rows: 64, columns: 96), values: (0..<6144).map { Float($0) / 6144 }),
      AttentionMap(grid: Grid(rows: 2, columns: 2), values: [.nan, .infinity, -0.5, 0.25]),
      AttentionMap(grid: Grid(rows: 2, columns: 2), values: [.nan, .nan, .nan, .nan]),
    ]
    let scene = try sheet.scene(
      SheetStyle(maps: MapStyle(overlay: overlay, interpolation: .nearest)))
    checkStructure(of: scene)
    let strings = scene.texts.map(\.string)
    let ranges = overlay == .jetCompat ? ["0–0", "−0.500–0.250"] : ["peak 0", "peak 0.250"]
    for range in ranges { #expect(strings.contains(range)) }
    #expect(strings.filter { $0 == "no value" }.count == 2)
    #expect(try !PNGBackend.data(scene, dpi: 100).isEmpty)
  }

  @Test("What does not belong together is refused")
  func refusals() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 2)
    sheet.subjects.removeLast()
    #expect(throws: FigureError.self) { try sheet.scene() }
    sheet = Sample.sheet(seeds: 1, subjects: 2)
    sheet.seeds[0].runs[0].curves[.peak]?.removeLast()
    #expect(throws: FigureError.self) { try sheet.scene() }
    sheet = Sample.sheet(seeds: 1, subjects: 2)
    sheet.seeds[0].runs.removeLast()
    #expect(throws: FigureError.self) { try sheet.scene() }
    sheet = Sample.sheet(seeds: 1, subjects: 2)
    sheet.seeds[0].runs[1].verdicts.removeLast()
    #expect(throws: FigureError.self) { try sheet.scene() }
    #expect(throws: FigureError.self) { try Sample.sheet(seeds: 0, subjects: 2).scene() }
    sheet = Sample.sheet(seeds: 2, subjects: 2)
    #expect(throws: FigureError.tooNarrow(width: 100, needed: 158)) {
      try sheet.scene(SheetStyle(width: 100))
    }
    for width in [Double.nan, -1, .infinity] {
      #expect(throws: FigureError.self) { try sheet.scene(SheetStyle(width: width)) }
    }
    try checkStructure(of: sheet.scene(SheetStyle(width: 158)))
  }

  @Test("Pictures that are not square keep their shape")
  func shapes() throws {
    var sheet = Sample.sheet(seeds: 2, subjects: 2)
    for index in 0..<2 {
      sheet.seeds[index].runs[0].image = Sample.image(0, width: 96, height: 64)
      sheet.seeds[index].runs[1].image = Sample.image(0, width: 64, height: 96)
    }
    let scene = try sheet.scene(
      SheetStyle(maps: MapStyle(overlay: .mosaic, interpolation: .nearest)))
    checkStructure(of: scene)
    scene.visit { _, node in
      if case .image(let image, let frame) = node {
        let shape = Double(image.width) / Double(image.height)
        #expect(abs(frame.width / frame.height - shape) < 1e-9)
      }
    }
  }

  @Test("The scene is what it was", arguments: [("column", 1, 2, 236.25), ("full", 3, 1, 495)])
  func golden(name: String, seeds: Int, subjects: Int, width: Double) throws {
    let overlay: OverlayMode = name == "full" ? .cells : .mosaic
    let scene = try Sample.sheet(seeds: seeds, subjects: subjects)
      .scene(
        SheetStyle(
          width: width,
          maps: MapStyle(
            overlay: overlay, colors: name == "full" ? .viridis : .magma, interpolation: .nearest)))
    try expectGolden(scene, "compare-\(name)")
  }

  @Test("The scene's JSON is JSON")
  func json() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.prompt = "a \"cat\" \\ \u{1} 🐸"
    let parsed = try JSONSerialization.jsonObject(with: Data(sheet.scene().json.utf8))
    let nodes = try #require((parsed as? [String: Any])?["nodes"] as? [Any])
    #expect(nodes.count == 3)
  }
}
