import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import PromptText
import Testing

@Suite("Sheets of maps in rows and columns")
struct MapSheetTests {
  /// Plain and excited runs of seeds 3 and 7.
  private func runs(in folder: URL) throws -> [RecordedRun] {
    try ["attend-and-excite", "stable-diffusion"].flatMap { method in
      try [7, 3].map { seed in
        try recordSynthetic(
          folder.appendingPathComponent("\(method)-\(seed)"), method, seed: seed, [:])
      }
    }
  }

  @Test(
    "Every panel has its map, every label is on the page, and none covers another",
    arguments: SheetLayout.ofMaps, [236.25, 495])
  func layouts(layout: SheetLayout, width: Double) throws {
    try withFolder { folder in
      var plan = layout.mapPlan
      if plan.recipe.isEmpty { plan.recipe = "mean(layer: 2x3)" }
      if layout == .sweep { plan.knob = "scale-factor" }
      let runs = try runs(in: folder).filter {
        layout != .sweep || $0.manifest.method.name != "stable-diffusion"
      }
      let scene = try MapSheet(runs: runs, plan: plan, software: "test")
        .scene(SheetStyle(width: width))
      #expect(scene.width == width)
      let panels = scene.panels.filter { $0.path.last != "color bar" }
      #expect(!panels.isEmpty)
      for (_, frame) in panels {
        #expect(frame.x >= 0 && frame.maxX <= width + 0.01 && frame.maxY <= scene.height)
      }
      let texts = scene.texts
      for (index, text) in texts.enumerated() {
        #expect(text.size >= 6)
        #expect(text.box.x >= 0 && text.box.maxX <= width + 0.01, "\(text.string)")
        #expect(text.box.y >= 0 && text.box.maxY <= scene.height + 0.01, "\(text.string)")
        for other in texts[..<index] {
          #expect(!text.box.overlaps(other.box), "\(text.string) over \(other.string)")
        }
      }
    }
  }

  @Test("A panel's colours are those of the map that the recipe makes of that run, step and word")
  func values() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let plan = MapSheetPlan(
        rows: [.method, .seed, .word], columns: [.step], words: ["frog"],
        recipe: "mean(layer: 2x3)")
      let sheet = try MapSheet(runs: runs, plan: plan, software: "test")
      let scene = try sheet.scene(SheetStyle(maps: MapStyle(overlay: .mosaic, colors: .viridis)))
      var cells: [[String]: Scene.Cells] = [:]
      scene.visit { path, node in
        if case .cells(let found) = node { cells[path] = found }
      }
      #expect(cells.count == 4 * 3)
      var maps: [[String]: AttentionMap] = [:]
      for run in runs {
        for step in 0..<3 {
          let recipe = Recipe(layers: "2x3", steps: step...step)
          let name =
            run.manifest.method.name == "stable-diffusion"
            ? "Stable Diffusion" : "Attend-and-Excite"
          maps[["\(name), seed \(run.manifest.seed), frog", "step \(step)"]] =
            try run.aggregate(by: recipe).map(of: run.manifest.subjects[1])
        }
      }
      let upper = try #require(maps.values.map(\.largest).max())
      for (path, map) in maps {
        let found = try #require(cells[path], "\(path)")
        #expect(found.rows == 2 && found.columns == 3)
        for (value, color) in zip(map.values, found.colors) {
          #expect(color == ColorMap.viridis.color(at: Double(value) / Double(upper)))
        }
      }
    }
  }

  @Test("Seeds stand in order, plain before excited, and pictures before the maps of their run")
  func order() throws {
    try withFolder { folder in
      var plan = MapSheetPlan.seeds
      plan.recipe = "mean(layer: 2x3)"
      let scene = try MapSheet(runs: runs(in: folder), plan: plan, software: "test").scene()
      let words = scene.texts.map(\.string)
      let methods: Set = ["Stable Diffusion", "Attend-and-Excite"]
      let columns: Set = ["picture", "cat", "frog"]
      let seeds: Set = ["seed 3", "seed 7"]
      #expect(words.filter(seeds.contains) == ["seed 3", "seed 7"])
      #expect(words.filter(methods.contains) == ["Stable Diffusion", "Attend-and-Excite"])
      #expect(
        words.filter(columns.contains) == ["picture", "cat", "frog", "picture", "cat", "frog"])
    }
  }

  @Test(
    "What all maps have in common and no heading says stands below the prompt and in the caption")
  func common() throws {
    try withFolder { folder in
      let runs = try runs(in: folder).filter { $0.manifest.seed == 3 }
      var plan = MapSheetPlan.heads
      plan.words = ["cat"]
      let scene = try MapSheet(runs: runs, plan: plan, software: "test").scene()
      #expect(scene.texts.contains { $0.string == "seed 3, cat" })
      #expect(
        scene.caption.contains("by method and layer (down) and head (across) of seed 3, cat."))
      plan = MapSheetPlan.seeds
      plan.recipe = "mean(layer: 2x3)"
      let words = try MapSheet(runs: runs, plan: plan, software: "test").scene().texts
      #expect(words.count { $0.string == "seed 3" } == 1)
    }
  }

  @Test("A sweep has a row for each value of its knob, in the order of numbers")
  func sweep() throws {
    try withFolder { folder in
      let runs = try ["40", "5.0", "20"].flatMap { (value: String) in
        try [7, 3].map { seed in
          try recordSynthetic(
            folder.appendingPathComponent("\(value)-\(seed)"), "attend-and-excite", seed: seed,
            [:], knobs: ["scale-factor": value])
        }
      }
      var plan = MapSheetPlan.sweep(knob: "scale-factor")
      plan.recipe = "mean(layer: 2x3)"
      let words = try MapSheet(runs: runs, plan: plan, software: "test").scene().texts.map(\.string)
      #expect(
        words.filter { $0.hasPrefix("scale-factor") }
          == ["scale-factor 5", "scale-factor 20", "scale-factor 40"])
      for bad in [
        MapSheetPlan.sweep(knob: ""),
        MapSheetPlan(rows: [.seed], columns: [.word], knob: "scale-factor"),
      ] {
        #expect(throws: FigureError.self) {
          try MapSheet(runs: runs, plan: bad, software: "test")
        }
      }
    }
  }

  @Test("What stands under one heading stays together where columns go on below")
  func bands() throws {
    try withFolder { folder in
      let names = (1...7).map { "method-\($0)" }
      let runs = try names.map { name in
        try recordSynthetic(folder.appendingPathComponent(name), name, seed: 3, [:])
      }
      let plan = MapSheetPlan(
        rows: [.seed], columns: [.method, .word], showsPictures: true, recipe: "mean(layer: 2x3)")
      for width in [236.25, 495] {
        let texts = try MapSheet(runs: runs, plan: plan, software: "test")
          .scene(SheetStyle(width: width)).texts
        #expect(texts.map(\.string).filter(names.contains) == names)
        let tops = Set(texts.filter { names.contains($0.string) }.map(\.box.y))
        #expect(tops.count == (width < 300 ? 4 : 2))
      }
    }
  }

  @Test("A number in a strip is never cut off: where it is narrow, less is said of it")
  func strips() throws {
    try withFolder { folder in
      let runs = try (0..<12).map { seed in
        try recordSynthetic(
          folder.appendingPathComponent("\(seed)"), "attend-and-excite", seed: seed, [:])
      }
      var plan = MapSheetPlan(rows: [.word], columns: [.seed], recipe: "mean(layer: 2x3)")
      plan.words = ["cat", "frog"]
      for (count, width, says) in [(12, 236.25, false), (3, 495, true)] {
        let sheet = try MapSheet(runs: Array(runs.prefix(count)), plan: plan, software: "test")
        let texts = try sheet.scene(
          SheetStyle(width: width, maps: MapStyle(range: .own, isLogarithmic: true))
        ).texts.map(\.string)
        let both = texts.filter { $0.wholeMatch(of: /0\.\d+–0\.\d+/) != nil }
        let largest = texts.filter { $0.wholeMatch(of: /0\.1\d\d/) != nil }
        #expect((both.count, largest.count) == (says ? (6, 0) : (0, 24)), "\(texts)")
      }
    }
  }

  @Test("What a file tells of its recipe is JSON, whatever names the recipe holds")
  func provenance() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      let name = "we\"ights\\.json"
      var plan = MapSheetPlan.seeds
      plan.recipe = "weighted(head: @\(name)) mean(layer: 2x3)"
      let layers = runs[0].sites.map { ($0.site.path, $0.site.heads) }.map {
        ($0, [Float](repeating: 0.5, count: $1))
      }
      let weights = HeadWeights(layers: Dictionary(uniqueKeysWithValues: layers))
      let scene = try MapSheet(
        runs: runs, plan: plan, weights: [name: weights], software: "test"
      ).scene()
      let told = try JSONSerialization.jsonObject(with: Data(scene.metadata.manifest.utf8))
      let recipe = try #require((told as? [String: Any])?["recipe"] as? String)
      #expect(recipe.contains("@\(name)"))
    }
  }

  @Test("What a plan does not set apart must be one; a run twice and a missing word are refused")
  func refusals() throws {
    try withFolder { folder in
      let runs = try runs(in: folder)
      func sheet(_ plan: MapSheetPlan, _ runs: [RecordedRun]) throws {
        _ = try MapSheet(runs: runs, plan: plan, software: "test")
      }
      let recipe = "mean(layer: 2x3)"
      let error = #expect(throws: FigureError.self) {
        try sheet(MapSheetPlan(rows: [.word], columns: [.method], recipe: recipe), runs)
      }
      #expect(error?.description.contains("2 values of seed (7, 3)") == true)
      for plan in [
        MapSheetPlan(rows: [], columns: [.method, .seed, .word], recipe: recipe),
        MapSheetPlan(rows: [.seed, .word], columns: [.seed, .method], recipe: recipe),
      ] {
        #expect(throws: FigureError.self) { try sheet(plan, runs) }
      }
      let plan = MapSheetPlan(rows: [.method, .seed], columns: [.word], recipe: recipe)
      #expect(throws: Never.self) { try sheet(plan, runs) }
      #expect(throws: FigureError.self) { try sheet(plan, runs + [runs[0]]) }
      #expect(throws: FigureError.self) { try sheet(plan, []) }
      var dog = plan
      dog.words = ["dog"]
      #expect(throws: TextError.self) { try sheet(dog, runs) }
    }
  }
}
