import AttentionAnalysis
import AttentionTrace
import Drawing
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
    SheetLayout.ofMaps.map { ($0.rawValue, .maps(mapPlan($0))) } + [
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

  /// Plain and excited runs of two seeds, each with a neglected subject.
  private func runs(in folder: URL, prompt: String = Self.prompts[0], steps: Int = 3) throws
    -> [RecordedRun]
  {
    try ["stable-diffusion", "attend-and-excite"].flatMap { method in
      try [3, 7].map { seed in
        let place = folder.appendingPathComponent("\(method)-\(seed)")
        _ = try recordSynthetic(place, method, seed: seed, [:], steps: steps, prompt: prompt)
        let scores: [Float] = [method == "stable-diffusion" ? 0.05 : 0.15, Float(seed) / 10]
        return try measure(place, Array(repeating: scores, count: steps))
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
      let tex = TeXBackend.text([scene], .init(graphics: ["a.pdf"]))
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
    MapStyle(overlay: .mosaic), MapStyle(overlay: .cells, colors: .viridis),
    MapStyle(overlay: .cells, colors: .cividis, isLogarithmic: true),
    MapStyle(overlay: .mosaic, colors: .inferno, range: .fixed(lower: 0.02, upper: 0.2)),
    MapStyle(overlay: .side, colors: .plasma),
  ]

  @Test(
    "Colours of the raster, read back through its colour bar, are the values",
    arguments: SheetLayout.ofMaps, styles)
  func readBack(layout: SheetLayout, style: MapStyle) throws {
    try withFolder { folder in
      let plan = Self.mapPlan(layout)
      if plan.showsDifferences, style != MapStyle(overlay: .mosaic) { return }
      let sheet = try MapSheet(runs: runs(in: folder), plan: plan, software: "test")
      // Wide enough for one band of columns, so that panels are drawn row by row.
      let scene = try sheet.scene(SheetStyle(width: 1400, maps: style))
      let raster = try Raster(scene, dpi: 150)
      let scale = style.scale(of: sheet.scaleMaps, isDifference: plan.showsDifferences)
      let frames = mapFrames(scene)
      let maps = shownMaps(sheet)
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

  /// A layout's maps in the synthetic runs.
  private static func mapPlan(_ layout: SheetLayout) -> MapSheetPlan {
    var plan = layout.mapPlan
    if plan.recipe.isEmpty { plan.recipe = "mean(layer: 2x3)" }
    if layout == .sweep {
      plan.knob = "scale-factor"
      plan.rows = [.method, .knob]
    }
    return plan
  }

  /// The maps of a sheet in drawing order; of differences, the side that is shown.
  private func shownMaps(_ sheet: MapSheet) -> [AttentionMap] {
    sheet.panels.joined().compactMap { panel in
      switch panel {
      case .map(let map): map
      case .difference(let map, let isGain):
        AttentionMap(
          grid: map.grid, values: map.values.map { isGain ? max(0, $0) : min(0, $0) })
      case .picture, .nothing: nil
      }
    }
  }

  @Test(
    "Values are solved from the blended pixels over plain grey, for every layout and colour map",
    arguments: SheetLayout.ofMaps,
    ColorMap.sequential.filter { (try? MapStyle(colors: $0).validate(isDifference: false)) != nil })
  func blends(layout: SheetLayout, colors: ColorMap) throws {
    try withFolder { folder in
      let plan = Self.mapPlan(layout)
      if plan.showsDifferences, colors != .magma { return }
      // The pictures of these runs are grey all over.
      let sheet = try MapSheet(runs: runs(in: folder), plan: plan, software: "test")
      let style = MapStyle(colors: colors)
      let scene = try sheet.scene(SheetStyle(width: 420, maps: style))
      var frames: [Scene.Rect] = []
      scene.visit { path, node in
        if path.last != "color bar", path.last?.hasSuffix("picture") == false,
          case .image(_, let frame) = node
        {
          frames.append(frame)
        }
      }
      let maps = shownMaps(sheet)
      #expect(frames.count == maps.count && !maps.isEmpty)
      try expectBlended(
        scene, Array(zip(maps, frames)),
        scale: style.scale(of: sheet.scaleMaps, isDifference: plan.showsDifferences),
        colors: plan.showsDifferences ? .difference : colors)
    }
  }

  @Test("Values are solved from the blended pixels of the ranked cases of neglect too")
  func neglectBlends() throws {
    try withFolder { folder in
      let sheet = try NeglectSheet(
        runs: runs(in: folder), recipe: Recipe(parsing: "mean(layer: 2x3)"), software: "test")
      let scene = try sheet.scene()
      var frames: [[String]: Scene.Rect] = [:]
      scene.visit { path, node in
        if case .image(_, let frame) = node { frames[path] = frame }
      }
      let maps = try sheet.cases.enumerated().flatMap { index, one in
        try one.subjects.map { subject in
          (
            try #require(subject.map),
            try #require(frames[["case \(index + 1)", "map \(subject.name)"]])
          )
        }
      }
      #expect(maps.count == 8)
      try expectBlended(
        scene, maps, scale: MapStyle().scale(of: maps.map(\.0), isDifference: false),
        colors: .magma)
    }
  }

  @Test(
    "What a box method was told is drawn on the picture and on the word's own maps",
    arguments: [
      "seeds", "methods", "steps", "tokens", "layers", "heads", "difference", "compare", "neglect",
    ])
  func boxes(name: String) throws {
    try withFolder { folder in
      let box = "cat=0.05,0.4,0.45,0.95; frog=0.55,0.3,0.95,0.9"
      let runs = try [("stable-diffusion", [:]), ("box-diff", ["box": box])].map { method, knobs in
        let place = folder.appendingPathComponent(method)
        _ = try recordSynthetic(place, method, seed: 3, [:], knobs: knobs)
        return try measure(place, Array(repeating: [0.1, 0.6], count: 3))
      }
      let scene = try scene(name, runs)
      let edges = ["cat": [0.05, 0.4, 0.45, 0.95], "frog": [0.55, 0.3, 0.95, 0.9]]
      var found: [(word: String, rect: Scene.Rect, panel: [String])] = []
      var frames: [[String]: Scene.Rect] = [:]
      scene.visit { path, node in
        switch node {
        case .image(_, let frame): frames[path] = frame
        case .rectangle(let rect, nil, .some) where path.last?.hasPrefix("box ") == true:
          found.append((String(path[path.count - 1].dropFirst(4)), rect, path.dropLast()))
        default: break
        }
      }
      #expect(Set(found.map(\.word)) == ["cat", "frog"])
      for (word, rect, panel) in found {
        let frame = try #require(frames[panel], "\(panel)")
        let edges = try #require(edges[word])
        let shares = [
          (rect.x - frame.x) / frame.width, (rect.y - frame.y) / frame.height,
          (rect.maxX - frame.x) / frame.width, (rect.maxY - frame.y) / frame.height,
        ]
        #expect(zip(shares, edges).allSatisfy { abs($0 - $1) < 1e-9 }, "\(shares)")
      }
      // Two lines a box; on a word's map its own alone, on the picture both, on the plain run's none.
      for (panel, boxes) in Dictionary(grouping: found, by: \.panel) {
        let words = Set(boxes.map(\.word))
        let name = panel.last ?? ""
        let isPicture = ["picture", "image", "other"].contains { (end: String) in
          name.hasSuffix(end)
        }
        #expect(words.count == (isPicture ? 2 : 1) && boxes.count == 2 * words.count, "\(panel)")
        #expect(!panel.joined().contains("Stable Diffusion"), "\(panel)")
      }
      let said = scene.texts.map(\.string).joined(separator: " ")
      #expect(said.contains("told to keep each word"))
    }
  }

  @Test("A difference says loss and gain apart, each over the picture of its own run")
  func sides() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let shades: [String: UInt8] = ["stable-diffusion": 40, "attend-and-excite": 220]
      for run in runs {
        let shade = try #require(shades[run.manifest.method.name])
        try Picture(width: 1, height: 1, pixels: [shade, shade, shade]).write(
          to: run.folder.image)
      }
      let scene = try scene("difference", runs)
      var pictures: [String: Set<UInt8>] = [:]
      scene.visit { path, node in
        if let name = path.last, name.hasSuffix("picture"), case .image(let picture, _) = node {
          pictures[name, default: []].formUnion(picture.pixels)
        }
      }
      #expect(
        pictures == [
          "Attend-and-Excite, Stable Diffusion: attention lost, picture": [40],
          "Attend-and-Excite, Attend-and-Excite: attention gained, picture": [220],
        ])
      let words = scene.texts.map(\.string)
      #expect(
        words.count { $0.hasPrefix("loss ") } == 4 && words.count { $0.hasPrefix("gain ") } == 4)
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
      let error = #expect(throws: FigureError.self) {
        try scene("seeds", runs, SheetStyle(width: 50, typeSize: 12))
      }
      guard case .tooNarrow(width: 50, let needed) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      checkStructure(of: try scene("seeds", runs, SheetStyle(width: needed, typeSize: 12)))
    }
  }

  // MARK: - Steps

  @Test("An animation has a frame for each step, on one scale")
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

/// Checks pixels of the drawn scene, in each frame, against the values of its map: those that the blend
/// over grey stands for, by its formula, are bicubic between the cells within 2/255 of the scale.
func expectBlended(
  _ scene: Scene, _ maps: [(AttentionMap, Scene.Rect)], scale: ValueScale, colors: ColorMap
) throws {
  let dpi = 300.0
  let image = try PNGBackend.image(scene, dpi: dpi)
  let solver = BlendSolver(colors)
  for (map, frame) in maps {
    for step in 0..<60 {
      // Places all over the panel, in no order; its frame is drawn on its edge.
      let (right, down) = (
        0.03 + 0.94 * (Double(step) * 0.618).truncatingRemainder(dividingBy: 1),
        0.03 + 0.94 * (Double(step) * 0.7548).truncatingRemainder(dividingBy: 1)
      )
      let column = Int((frame.x + right * frame.width) * dpi / 72)
      let row = Int((frame.y + down * frame.height) * dpi / 72)
      let start = (row * image.width + column) * 3
      let color = image.pixels[start..<start + 3].map(Int.init)
      let solved = solver.share(color)
      let share = try #require(solved, "\(color) at \(right), \(down)")
      // A raster's pixel lies within one of those of the panel.
      let expected: [Double] = (0..<9).map { neighbour in
        let aside = Double(neighbour % 3) - 0.5
        let below = Double(neighbour / 3) - 0.5
        let x: Double = ((Double(column) + aside) * 72 / dpi - frame.x) / frame.width
        let y: Double = ((Double(row) + below) * 72 / dpi - frame.y) / frame.height
        return max(0, min(1, scale.fraction(of: bicubic(map, x, y))))
      }
      let (least, most) = (expected.min() ?? 0, expected.max() ?? 0)
      #expect(share >= least - 2.0 / 255 && share <= most + 2.0 / 255, "\(share), \(expected[4])")
    }
  }
}

/// The value of a map at fractions of its width and height: Keys's cubic with a = −0.75 between the centres
/// of cells, the edges repeated, within the map's own range.
private func bicubic(_ map: AttentionMap, _ x: Double, _ y: Double) -> Double {
  func weight(_ distance: Double) -> Double {
    let (a, x) = (-0.75, abs(distance))
    if x < 1 { return (a + 2) * x * x * x - (a + 3) * x * x + 1 }
    return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0
  }
  let (columns, rows) = (map.grid.columns, map.grid.rows)
  let (right, down) = (x * Double(columns) - 0.5, y * Double(rows) - 0.5)
  var sum = 0.0
  for row in Int(down.rounded(.down)) - 1...Int(down.rounded(.down)) + 2 {
    for column in Int(right.rounded(.down)) - 1...Int(right.rounded(.down)) + 2 {
      let cell = max(0, min(rows - 1, row)) * columns + max(0, min(columns - 1, column))
      sum +=
        Double(map.values[cell]) * weight(down - Double(row)) * weight(right - Double(column))
    }
  }
  return max(Double(map.values.min() ?? 0), min(Double(map.values.max() ?? 0), sum))
}

/// Solves the share of the scale from a colour blended over the grey of a picture without shapes.
private struct BlendSolver {
  private static let grey = 130.0

  private var shares: [[Int]: ClosedRange<Double>] = [:]

  init(_ colors: ColorMap) {
    for share in stride(from: 0, through: 1, by: 1.0 / 4096) {
      let isDifference = colors == .difference
      let color = colors.color(at: isDifference ? (share < 0.5 ? 0 : 1) : share)
      let opacity = isDifference ? abs(2 * share - 1) : share
      let key = [color.red, color.green, color.blue].map {
        Int((Self.grey + (Double($0) - Self.grey) * opacity).rounded())
      }
      let known = shares[key] ?? share...share
      shares[key] = min(known.lowerBound, share)...max(known.upperBound, share)
    }
  }

  /// The middle of the shares that look most like `color`; `nil` if none does.
  ///
  /// A pixel between two of a map's has a colour between theirs.
  func share(_ color: [Int]) -> Double? {
    func distance(_ other: [Int]) -> Int {
      zip(color, other).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
    let nearest = shares.min { distance($0.key) < distance($1.key) }
    guard let nearest, distance(nearest.key) <= 3 else { return nil }
    let alike = shares.filter { distance($0.key) == distance(nearest.key) }.values
    let lower = alike.map(\.lowerBound).min() ?? nearest.value.lowerBound
    let upper = alike.map(\.upperBound).max() ?? nearest.value.upperBound
    return (lower + upper) / 2
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
