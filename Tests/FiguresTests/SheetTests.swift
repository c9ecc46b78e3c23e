import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import TensorEngine
import Testing

/// What a user of the library calls.
@Suite("Sheets as a value")
struct SheetTests {
  private func runs(in folder: URL) throws -> [RecordedRun] {
    try ["stable-diffusion", "attend-and-excite"].map { method in
      try recordSynthetic(folder.appendingPathComponent(method), method, seed: 3, [:])
    }
  }

  /// A layout of maps on the grid that was recorded.
  private func sheet(in folder: URL) throws -> Sheet {
    var plan = MapSheetPlan.seeds
    plan.recipe = "mean(layer: 2x3)"
    return Sheet(SheetPlan(.maps(plan)), of: try runs(in: folder))
  }

  @Test("Each ending gets its format, from one drawing")
  func formats() throws {
    try withFolder { folder in
      let sheet = try sheet(in: folder)
      let paths = ["a.pdf", "a.png", "a.svg", "a.json", "a.tex", "a.apng", "a.gif"].map {
        folder.appendingPathComponent($0).path
      }
      let output = try sheet.write(to: paths, dpi: 72)
      #expect(output.warnings.isEmpty && output.steps == 3)
      let scene = try sheet.scene()
      func bytes(_ index: Int) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: paths[index])))
      }
      #expect(try bytes(0) == PDFBackend.data(scene))
      #expect(try bytes(1) == PNGBackend.data(scene, dpi: 72))
      #expect(try bytes(2) == Array(SVGBackend.text(scene).utf8))
      #expect(try bytes(3) == Array(scene.json.utf8))
      #expect(try bytes(4) == Array(TeXBackend.text([scene], .init(graphics: ["a.pdf"])).utf8))
      let animation = try Animation(sheet.frames(), dpi: 72)
      #expect(try bytes(5) == APNGBackend.data(animation))
      #expect(try bytes(6) == GIFBackend.data(animation))
    }
  }

  @Test("Anonymous files tell nothing of the run")
  func anonymous() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.svg").path
      try sheet(in: folder).write(to: path, isAnonymous: true)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(!text.contains("<desc") && !text.contains("<metadata") && !text.contains("Heed"))
      #expect(text.contains(">Figure of cross-attention</title>"))
    }
  }

  @Test(
    "An ending that does not suit is named before anything is written",
    arguments: [
      (["a.pdf", "a.bmp"], "a.bmp"), (["a.json", "a.tex"], "a.tex"), (["a"], "a: a sheet is"),
    ])
  func endings(names: [String], word: String) throws {
    try withFolder { folder in
      let sheet = try sheet(in: folder)
      let output = folder.appendingPathComponent("output")
      try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
      let error = #expect(throws: FigureError.self) {
        try sheet.write(to: names.map { output.appendingPathComponent($0).path })
      }
      #expect(error?.description.contains(word) == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: output.path).isEmpty)
    }
  }

  @Test("Only a panel of maps is animated", arguments: ["a.apng", "a.gif", "a.mp4"])
  func animation(name: String) throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent(name).path
      let runs = try runs(in: folder)
      for layout in [SheetLayout.compare, .matrix, .curves, .neglect] {
        let sheet = Sheet(layout, of: runs)
        let error = #expect(throws: FigureError.self) { try sheet.write(to: path) }
        #expect(error?.description.contains("animation") == true)
      }
    }
  }

  @Test("Maps next to their pictures have pictures")
  func side() throws {
    try withFolder { folder in
      var plan = MapSheetPlan(
        rows: [.method], columns: [.word], recipe: "mean(layer: 2x3)")
      var sheet = Sheet(SheetPlan(.maps(plan)), of: try runs(in: folder))
      sheet.style.maps.overlay = .side
      let drawn = try sheet.scene().json
      plan.showsPictures = true
      sheet.plan = SheetPlan(.maps(plan))
      #expect(try sheet.scene().json == drawn)
    }
  }

  @Test("The layout follows the methods")
  func layoutForRuns() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      #expect(SheetLayout(for: runs) == .compare)
      #expect(SheetLayout(for: [runs[0]]) == .compare)
    }
  }

  @Test("A difference names both methods, and other methods have their names as titles")
  func difference() throws {
    try withFolder { folder in
      var plan = MapSheetPlan.difference
      plan.recipe = "mean(layer: 2x3)"
      var sheet = Sheet(SheetPlan(.maps(plan)), of: try runs(in: folder))
      #expect(try sheet.scene().caption.contains("Attend-and-Excite − Stable Diffusion: "))
      sheet.runs.append(
        try recordSynthetic(folder.appendingPathComponent("other"), "other+scale-2", seed: 3, [:]))
      let scene = try sheet.scene()
      #expect(scene.caption.contains("each method − Stable Diffusion: "))
      #expect(scene.texts.contains { $0.string == "other, scale-2" })
    }
  }

  // MARK: - Options

  private static let drawing: Set<SheetOption> = [
    .overlay, .colors, .interpolation, .scale, .log,
  ]

  @Test(
    "A layout says which options it reads",
    arguments: [
      (.compare, [.curves, .recipe, .stepsPictures], true),
      (.tokens, [.words, .recipe], true),
      (.steps, [.words, .recipe, .steps], true), (.sweep, [.words, .recipe, .knob], true),
      (.matrix, [.words, .recipe, .colors], false), (.curves, [.measures, .recipe], false),
      (.neglect, [.cases, .recipe], true),
    ] as [(SheetLayout, Set<SheetOption>, Bool)])
  func options(layout: SheetLayout, own: Set<SheetOption>, hasMaps: Bool) throws {
    let panel = SheetPlan.Panel(layout.content)
    let places: Set<SheetOption> = [.rows, .columns, .pictures, .difference]
    #expect(
      panel.options(MapStyle()).subtracting(places) == own.union(hasMaps ? Self.drawing : []))
  }

  @Test("Differences read no colours, and an overlay only what changes it")
  func overlays() {
    let difference = SheetPlan.Panel(SheetLayout.difference.content).options(MapStyle())
    #expect(difference.isDisjoint(with: [.colors, .log]) && difference.contains(.overlay))
    for (overlay, unread) in [
      (.dim, [.colors, .levels]), (.jetCompat, [.colors, .scale, .log, .interpolation]),
      (.mosaic, [.interpolation]), (.contour, [.swapRedBlue]), (.cells, [.levels]),
    ] as [(OverlayMode, Set<SheetOption>)] {
      let panel = SheetPlan.Panel(SheetLayout.methods.content)
      #expect(panel.options(MapStyle(overlay: overlay)).isDisjoint(with: unread))
      #expect(
        SheetPlan.Panel(panel.content, maps: MapStyle(overlay: overlay)).options(MapStyle())
          == panel.options(MapStyle(overlay: overlay)))
    }
  }

  // MARK: - Files

  @Test("A printed plan is read as the same plan", arguments: SheetLayout.allCases)
  func roundTrip(layout: SheetLayout) throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("sheet.yaml").path
      let style = MapStyle(
        overlay: .jetCompat, colors: .viridis, interpolation: .bicubic,
        range: .fixed(lower: 0.1, upper: 0.5), isLogarithmic: true, contours: [0.1],
        swapsRedAndBlue: true)
      var content = layout.content
      if case .maps(var maps) = content, !maps.recipe.isEmpty {
        maps.recipe = try Recipe(parsing: maps.recipe).description
        content = .maps(maps)
      }
      let plan = SheetPlan(
        rows: [[.init(content)], [.init(content, caption: "a \"b\"\n\\c")]], caption: "d")
      try plan.yaml.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(try SheetPlan(file: path) == plan)
      guard case .maps(let maps) = content, !maps.showsDifferences else { return }
      let drawn = SheetPlan(rows: [[.init(content, maps: style)]])
      try drawn.yaml.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(try SheetPlan(file: path) == drawn)
    }
  }

  @Test(
    "An error in a sheet file names its key, never an option of the command",
    arguments: [
      ("layout: compare\ncolors: rainbow", ".colors", "viridis"),
      ("layout: compare\nscale: 1..0", ".scale", "shared"),
      ("layout: compare\noverlay: glow", ".overlay", "mosaic"),
      ("layout: compare\noverlay: contour\nlevels: [2]", ".levels", "between 0 and 1"),
      ("layout: pie", ".layout", "maps, compare, matrix, curves, neglect"),
      ("rows: [seed]\ncolumns: [wrod]", ".columns[0]", "word"),
      ("rows: [seed]\ncolumns: [word]\nrecipe: median(head)", ".recipe", "median"),
      ("layout: matrix\noverlay: cells", "overlay", "words, recipe, colors"),
    ])
  func badFile(text: String, key: String, word: String) throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("sheet.yaml").path
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let message = #expect(throws: FileError.self) { try SheetPlan(file: path) }?.description ?? ""
      #expect(message.hasPrefix(path) && message.contains(key) && message.contains(word))
      #expect(!message.contains("--"), "\(message)")
    }
  }
}
