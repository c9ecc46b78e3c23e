import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation
import Pictures
import Testing

@Suite("The compare sheet")
struct CompareSheetTests {
  private static let sizes = [1, 2, 3, 4, 5, 8, 16].flatMap { seeds in
    (1...4).map { (seeds, $0) }
  }

  @Test("Nothing is clipped and nothing overlaps", arguments: sizes, [495.0, 396, 236.25])
  func structure(size: (seeds: Int, subjects: Int), width: Double) throws {
    let scene = try Sample.sheet(seeds: size.seeds, subjects: size.subjects).scene(
      SheetStyle(width: width))
    #expect(scene.warnings.isEmpty)
    checkStructure(of: scene)
    #expect(
      scene.texts.filter { $0.string.hasPrefix("max ") }.count == size.seeds * size.subjects * 2)
    for index in 0..<size.seeds {
      #expect(scene.texts.contains { $0.string == "seed \(index)" })
    }
    #expect(!scene.texts.contains { $0.string.contains("…") })
  }

  @Test("Every count of seeds from 1 to 16 fits")
  func everyCount() throws {
    for seeds in 1...16 { checkStructure(of: try Sample.sheet(seeds: seeds, subjects: 2).scene()) }
  }

  @Test("Long words, long prompts and awkward characters stay on the page")
  func awkward() throws {
    var sheet = Sample.sheet(seeds: 2, subjects: 4)
    sheet.prompt = String(repeating: "antidisestablishmentarianism ", count: 30)
    sheet.subjects[0].name = String(repeating: "w", count: 200)
    sheet.subjects[1].tokens = "tokens 10–11, 12–13, 14–15 and 16–17"
    sheet.plainName = "A method with a name as long as a sentence that does not end"
    sheet.recipe = String(repeating: "mean over everything, ", count: 30)
    sheet.curveLabel = String(repeating: "largest ", count: 20)
    sheet.seeds[0].seed = .max
    for width in [495, 236.25] {
      let scene = try sheet.scene(SheetStyle(width: width))
      checkStructure(of: scene)
      #expect(scene.texts.contains { $0.string.hasSuffix("…") })
    }
    sheet.prompt =
      "a\tcat\nand \u{0} \\frog{} <&> \u{202E}mirrored " + String(repeating: "x", count: 300)
    let scene = try sheet.scene()
    checkStructure(of: scene)
    #expect(scene.texts.contains { $0.string.hasPrefix("“a cat and") })
    #expect(scene.warnings.contains { $0.contains("U+202E") })
  }

  @Test("Curves of every kind are drawn or left out without a trap")
  func curves() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.seeds[0].plain.loss = []
    sheet.seeds[0].plain.attention = []
    sheet.seeds[0].excited.loss = [.nan, 0.5, .nan, 0.25, 0.1, .infinity, 12.5, -3]
    sheet.thresholds = [-1: 0.5, 3: 0.5, 4: 0.6, 5: 2, 4000: 0.5]
    sheet.seeds[0].excited.refinementTries = [-1: 4, 0: 1, 1: 20, 2: 20, 3: 20, 7000: 1]
    checkStructure(of: try sheet.scene())
    sheet.seeds[0].excited.loss = []
    sheet.seeds[0].excited.attention = []
    let scene = try sheet.scene()
    checkStructure(of: scene)
    #expect(!scene.texts.contains { $0.string == "loss" })
    for steps in [1, 2, 12, 1000] {
      checkStructure(of: try Sample.sheet(seeds: 1, subjects: 2, steps: steps).scene())
    }
  }

  @Test("Maps of any size and content are drawn", arguments: OverlayMode.allCases)
  func maps(overlay: OverlayMode) throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 4)
    sheet.seeds[0].plain.maps = [
      AttentionMap(grid: Grid(rows: 1, columns: 1), values: [0]),
      AttentionMap(grid: Grid(rows: 64, columns: 96), values: (0..<6144).map { Float($0) / 6144 }),
      AttentionMap(grid: Grid(rows: 2, columns: 2), values: [.nan, .infinity, -0.5, 0.25]),
      AttentionMap(grid: Grid(rows: 2, columns: 2), values: [.nan, .nan, .nan, .nan]),
    ]
    let scene = try sheet.scene(SheetStyle(maps: MapStyle(overlay: overlay)))
    checkStructure(of: scene)
    let strings = scene.texts.map(\.string)
    let ranges = overlay == .jetCompat ? ["0–0", "−0.500–0.250"] : ["max 0", "max 0.250"]
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
    sheet.seeds[0].plain.attention.removeLast()
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
      sheet.seeds[index].plain.image = Sample.image(0, width: 96, height: 64)
      sheet.seeds[index].excited.image = Sample.image(0, width: 64, height: 96)
    }
    let scene = try sheet.scene()
    checkStructure(of: scene)
    scene.visit { _, node in
      if case .image(let image, let frame) = node, image.height > 1 {
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
          maps: MapStyle(overlay: overlay, colors: name == "full" ? .viridis : .magma)))
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
