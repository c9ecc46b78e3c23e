import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation
import FoundationXML
import Pictures
import Testing

/// What must hold of every layout, in every style.
@Suite("Every layout")
struct EveryLayoutTests {
  /// Every layout that a name gives, over recordings of a grid of 2×3.
  static let layouts: [(name: String, content: SheetPlan.Content)] =
    SheetLayout.ofMaps.map { layout -> (String, SheetPlan.Content) in
      var plan = layout.mapPlan
      if plan.recipe.isEmpty { plan.recipe = "mean(layer: 2x3)" }
      if layout == .sweep {
        plan.knob = "scale-factor"
        plan.rows = [.method, .knob]
      }
      return (layout.rawValue, .maps(plan))
    } + [
      ("compare", .compare(recipe: "mean(layer: 2x3)")),
      ("matrix", .matrix(words: ["@2", "@5", "@3"], recipe: "mean(layer: 2x3)")),
      ("curves", .curves(measures: [], recipe: "mean(layer: 2x3)")),
      ("neglect", .neglect(cases: 12, recipe: "mean(layer: 2x3)")),
    ]
  static let names = layouts.map(\.name)
  static let prompts = [
    "a cat and a frog", String(repeating: "a very long cat ", count: 19),
    "50 % & <b>\"cats\"</b> _frogs_ {$x^2$} \\textbf{#1} ~'`|]]>", "قطة وضفدع", "חתול וצפרדע",
    "kočka a žába e\u{301}", "猫と蛙", "🐸 and 👩‍👩‍👧", "a cat\nand\ta frog",
  ]

  private func content(_ name: String) throws -> SheetPlan.Content {
    try #require(Self.layouts.first { $0.name == name }?.content)
  }

  /// Plain and excited runs of two seeds.
  private func runs(in folder: URL, prompt: String = Self.prompts[0], steps: Int = 3) throws
    -> [RecordedRun]
  {
    try ["stable-diffusion", "attend-and-excite"].flatMap { method in
      try [3, 7].map { seed in
        let place = folder.appendingPathComponent("\(method)-\(seed)")
        return try recordSynthetic(place, method, seed: seed, [:], steps: steps, prompt: prompt)
      }
    }
  }

  private func scene(
    _ name: String, _ runs: [RecordedRun], _ style: SheetStyle = SheetStyle()
  ) throws -> Scene {
    try SheetPlan(content(name)).scene(runs, style: style, software: "test")
  }

  @Test("Labels are on the page, apart and legible, for every venue", arguments: names)
  func structure(name: String) throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      for venue in Venue.allCases {
        for (theme, width) in [(Theme.light, venue.full), (.dark, venue.column)] {
          let style = SheetStyle(
            width: width, typeSize: venue.typeSize, typeface: venue.typeface, theme: theme)
          let scene = try scene(name, runs, style)
          #expect(scene.width == width && scene.paper == theme.paper)
          #expect(scene.texts.allSatisfy { $0.size >= venue.typeSize - 1e-9 })
          checkStructure(of: scene)
        }
      }
    }
  }

  @Test(
    "A prompt of any script, length and markup is set, drawn and never taken for markup",
    arguments: ["tokens", "compare", "matrix", "curves", "neglect"], prompts)
  func anyPrompt(name: String, prompt: String) throws {
    try withFolder { folder in
      let scene = try scene(name, runs(in: folder, prompt: prompt))
      checkStructure(of: scene)
      let svg = try SVGBackend.text(scene)
      let parser = XMLParser(data: Data(svg.utf8))
      #expect(parser.parse(), "\(String(describing: parser.parserError))")
      #expect(!svg.contains("<b>"))
      #expect(try JSONSerialization.jsonObject(with: Data(scene.json.utf8)) is [String: Any])
      let tex = TeXBackend.text(scene, graphics: "a.pdf")
      #expect(!tex.contains("\\textbf{#1}"))
      for character in ["猫", "🐸"] where prompt.contains(character) {
        let package = character == "猫" ? "fonts-noto-cjk" : "fonts-symbola"
        let isKnown = !scene.warnings.contains { $0.contains("without a glyph") }
        #expect(isKnown || scene.warnings.contains { $0.contains(package) })
      }
      let path = folder.appendingPathComponent("a.pdf").path
      try PDFBackend.render(scene, to: path)
      let fonts = try run("pdffonts", [path])
      #expect(fonts.status == 0, "pdffonts, of poppler-utils: \(fonts.output)")
      for row in fonts.output.split(separator: "\n").dropFirst(2) {
        #expect(!row.contains("Type 3") && row.contains(" yes yes yes "), "\(row)")
      }
    }
  }

  @Test(
    "A PDF has the width asked for, its labels are text, and it looks as the PNG does",
    arguments: names)
  func paper(name: String) throws {
    try withFolder { folder in
      let scene = try scene(
        name, runs(in: folder),
        SheetStyle(width: Venue.icml.full, typeface: .serif, theme: .dark))
      let path = folder.appendingPathComponent("a.pdf").path
      try PDFBackend.render(scene, to: path)
      #expect(try run("pdfinfo", [path]).output.contains("Page size:       486 x"))
      let text = try run("pdftotext", ["-raw", path, "-"]).output
      let words = Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
      for label in scene.texts where !label.isVertical {
        for word in label.string.split(separator: " ") {
          #expect(words.contains(String(word)), "\(word)")
        }
      }
      try #require(
        run("pdftoppm", ["-r", "288", "-png", "-singlefile", path, folder.path + "/paper"])
          .status == 0)
      let paper = try Picture.read(folder.path + "/paper.png")
      let raster = try PNGBackend.image(scene, dpi: 288)
      try #require((paper.width, paper.height) == (raster.width, raster.height))
      let squares = zip(paper.means, raster.means).map { ($0 - $1) * ($0 - $1) }
      #expect((squares.reduce(0, +) / Double(squares.count)).squareRoot() < 8)
    }
  }

  @Test("The scene is the one that was looked at", arguments: names)
  func golden(name: String) throws {
    try withFolder { folder in
      let scene = try scene(name, runs(in: folder), SheetStyle(width: Venue.icml.full))
      try expectGolden(scene, "layout-\(name)")
    }
  }

  // MARK: - Colours

  static let styles = [
    MapStyle(), MapStyle(overlay: .cells, colors: .viridis),
    MapStyle(overlay: .cells, colors: .cividis, isLogarithmic: true),
    MapStyle(colors: .inferno, range: .fixed(lower: 0.02, upper: 0.2)),
    MapStyle(overlay: .side, colors: .plasma),
  ]

  @Test(
    "Colours of the raster, read back through its colour bar, are the values",
    arguments: SheetLayout.ofMaps, styles)
  func readBack(layout: SheetLayout, style: MapStyle) throws {
    try withFolder { folder in
      var plan = layout.mapPlan
      if plan.recipe.isEmpty { plan.recipe = "mean(layer: 2x3)" }
      if layout == .sweep {
        plan.knob = "scale-factor"
        plan.rows = [.method, .knob]
      }
      if plan.showsDifferences, style != MapStyle() { return }
      let sheet = try MapSheet(runs: runs(in: folder), plan: plan, software: "test")
      // Wide enough for one band of columns, so that panels are drawn row by row.
      let scene = try sheet.scene(SheetStyle(width: 1400, maps: style))
      let raster = try Raster(scene, dpi: 150)
      let scale = style.scale(of: sheet.scaleMaps, isDifference: plan.showsDifferences)
      let frames = mapFrames(scene)
      let maps = sheet.panels.joined().compactMap { panel in
        if case .map(let map) = panel { map } else { nil }
      }
      #expect(frames.count == maps.count && !maps.isEmpty)
      for (map, frame) in zip(maps, frames) {
        for (cell, value) in map.values.enumerated() {
          let place = Scene.Point(
            frame.x + (Double(cell % map.grid.columns) + 0.5) / Double(map.grid.columns)
              * frame.width,
            frame.y + (Double(cell / map.grid.columns) + 0.5) / Double(map.grid.rows) * frame.height
          )
          let read = try #require(raster.fraction(of: raster.color(at: place)))
          let expected = max(0, min(1, scale.fraction(of: Double(value))))
          #expect(abs(read - expected) <= 1.0 / 255)
        }
      }
    }
  }

  /// Where maps lie, in drawing order: pictures beneath them and beside them left out.
  private func mapFrames(_ scene: Scene) -> [Scene.Rect] {
    var frames: [Scene.Rect] = []
    scene.visit { path, node in
      guard path.last != "color bar" else { return }
      switch node {
      case .cells(let cells): frames.append(cells.frame)
      case .image(let image, let frame) where image.width != image.height:
        frames.append(frame)
      default: break
      }
    }
    return frames
  }

  @Test("A matrix's colours, read back through its colour bar, are the overlaps")
  func matrix() throws {
    try withFolder { folder in
      let sheet = try MatrixSheet(
        runs: runs(in: folder), words: ["@2", "@5", "@3"],
        recipe: .init(parsing: "mean(layer: 2x3)"), software: "test")
      let scene = try sheet.scene()
      let raster = try Raster(scene, dpi: 200)
      var fills: [Scene.Rect] = []
      scene.visit { path, node in
        if path.last != "color bar", case .rectangle(let rect, .some, nil) = node {
          fills.append(rect)
        }
      }
      let values = sheet.matrices.flatMap(\.values)
      #expect(fills.count == values.count)
      for (value, cell) in zip(values, fills) {
        let corner = Scene.Point(cell.x + cell.width * 0.1, cell.y + cell.height * 0.1)
        let read = try #require(raster.fraction(of: raster.color(at: corner)))
        #expect(abs(read - value) <= 1.0 / 255)
      }
    }
  }

  // MARK: - Edges

  @Test("400 panels take less than five seconds, PDF and PNG together, and one panel is a sheet")
  func manyPanels() throws {
    try withFolder { folder in
      var plan = MapSheetPlan(
        rows: [.word, .step], columns: [.method, .seed], steps: Array(0..<50),
        recipe: "mean(layer: 2x3)")
      let runs = try runs(in: folder, steps: 50)
      let clock = ContinuousClock()
      let start = clock.now
      let sheet = try MapSheet(runs: runs, plan: plan, software: "test")
      #expect(sheet.panels.joined().count == 400)
      let scene = try sheet.scene()
      let size = try PDFBackend.data(scene).count + PNGBackend.data(scene, dpi: 72).count
      #expect(size > 1000 && clock.now - start < .seconds(5))
      checkStructure(of: scene)
      plan.rows = [.word]
      plan.columns = [.step]
      plan.words = ["cat"]
      plan.steps = [1]
      checkStructure(
        of: try MapSheet(runs: [runs[0]], plan: plan, software: "test").scene(
          SheetStyle(width: 60)))
    }
  }

  @Test("Type below 6 points is warned of, below 5 refused; larger type is that much larger")
  func typeSizes() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      #expect(
        try scene("seeds", runs, SheetStyle(typeSize: 5.5)).warnings.contains {
          $0.contains("5.5 pt")
        })
      #expect(throws: FigureError.self) { try scene("seeds", runs, SheetStyle(typeSize: 4.9)) }
      #expect(throws: FigureError.self) { try scene("seeds", runs, SheetStyle(typeSize: .nan)) }
      let large = try scene("seeds", runs, SheetStyle(typeSize: 9))
      #expect(large.warnings.isEmpty && large.texts.map(\.size).min() == 9)
      #expect(throws: FigureError.tooNarrow(width: 50, needed: 78)) {
        try scene("seeds", runs, SheetStyle(width: 50, typeSize: 12))
      }
    }
  }

  // MARK: - Steps

  @Test("An animation has a frame for each step, on one scale, and a viewer without it the first")
  func animation() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let plan = SheetPlan(try content("seeds"))
      let frames = try plan.frames(runs, style: SheetStyle(), software: "test")
      #expect(frames.count == 3)
      #expect(Set(frames.map(\.height)).count == 1)
      for (step, frame) in frames.enumerated() {
        checkStructure(of: frame)
        #expect(frame.texts.contains { $0.string == "step \(step) of 0…2" })
      }
      let bars = frames.map { frame in
        frame.texts.filter { $0.box.y > frame.height - 40 }.map(\.string)
      }
      #expect(Set(bars).count == 1)
      let file = try APNGBackend.data(frames, dpi: 72, delay: 100)
      let path = folder.appendingPathComponent("a.apng").path
      try APNGBackend.render(frames, dpi: 72, delay: 100, to: path)
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == file)
      // Its first frame is the PNG of the first scene, chunk for chunk.
      #expect(try Picture.decode(file, path: "a") == PNGBackend.image(frames[0], dpi: 72))
      let script =
        "import sys; from PIL import Image, ImageSequence as S\n"
        + "i = Image.open(sys.argv[1]); print(i.n_frames, i.info['loop'], "
        + "[f.info['duration'] for f in S.Iterator(i)])\n"
        + "for n, f in enumerate(S.Iterator(i)): f.convert('RGB').save(f'{sys.argv[2]}/{n}.png')"
      let python = fixtures.appendingPathComponent("../../../.build-readers/bin/python").path
      let read = try run(python, ["-c", script, path, folder.path])
      #expect(read.output.contains("3 0 [100.0, 100.0, 400.0]"), "\(read.output)")
      for (step, frame) in frames.enumerated() {
        #expect(
          try Picture.read(folder.path + "/\(step).png") == PNGBackend.image(frame, dpi: 72))
      }
      #expect(throws: FigureError.self) { try APNGBackend.data([]) }
      #expect(throws: FigureError.self) {
        try SheetPlan(content("matrix")).frames(runs, style: SheetStyle(), software: "test")
      }
    }
  }

  // MARK: - Several panels

  @Test("Panels stand in their rows under letters, with captions; the prompt stands once")
  func composition() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let plan = SheetPlan(rows: [
        [.init(try content("methods"), caption: "What each method does.")],
        [
          .init(try content("matrix")),
          .init(try content("curves"), maps: nil, caption: String(repeating: "words ", count: 90)),
        ],
      ])
      let scene = try plan.scene(runs, style: SheetStyle(typeSize: 7), software: "test")
      checkStructure(of: scene)
      let words = scene.texts.map(\.string)
      for letter in ["(a)", "(b)", "(c)"] { #expect(words.contains(letter)) }
      #expect(words.count { $0 == "“a cat and a frog”" } == 1)
      #expect(words.contains("What each method does."))
      for letter in ["(a) What each method does.", "(b) “a cat", "(c) words"] {
        #expect(scene.caption.contains(letter))
      }
      let told = try JSONSerialization.jsonObject(with: Data(scene.metadata.manifest.utf8))
      #expect(((told as? [String: Any])?["panels"] as? [Any])?.count == 3)
      #expect(throws: FigureError.self) {
        try SheetPlan(rows: []).scene(runs, style: SheetStyle(), software: "test")
      }
    }
  }
}

/// A drawn scene, and what its colour bar says.
private struct Raster {
  private let image: Picture
  private let scale: Double
  private var fractions: [Color: [Double]] = [:]

  init(_ scene: Scene, dpi: Double) throws {
    image = try PNGBackend.image(scene, dpi: dpi)
    scale = dpi / 72
    let bar = try #require(scene.panels.first { $0.path.last == "color bar" }?.frame)
    for position in stride(from: bar.x + 0.2, to: bar.maxX - 0.2, by: 0.1) {
      let color = color(at: Scene.Point(position, bar.y + bar.height / 2))
      fractions[color, default: []].append((position - bar.x) / bar.width)
    }
  }

  func color(at place: Scene.Point) -> Color {
    let start = (Int(place.y * scale) * image.width + Int(place.x * scale)) * 3
    return Color(
      red: image.pixels[start], green: image.pixels[start + 1], blue: image.pixels[start + 2])
  }

  /// Where along the bar a colour lies, 0…1.
  func fraction(of color: Color) -> Double? {
    fractions[color].map { $0.reduce(0, +) / Double($0.count) }
  }
}
