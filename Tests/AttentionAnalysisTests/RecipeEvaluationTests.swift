import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import RecordingProbe
import Testing

@Suite("Recipes at work")
struct RecipeEvaluationTests {
  private struct Golden: Decodable, Sendable {
    let recipe: String
    let rows: Int
    let columns: Int
    let values: [Float]
  }

  /// The sites of Fixtures/make_recipes.py.
  private static let sites = [
    ("down.a.attn2", 4, 3), ("mid.a.attn2", 2, 2), ("up.a.attn2", 4, 3), ("up.b.attn2", 8, 6),
  ].map { path, rows, columns in
    AttentionSite(
      path: path, kind: .cross, heads: 2, grid: Grid(rows: rows, columns: columns), keys: 7)
  }

  private static var run: SyntheticRun {
    var plan = SyntheticRun.everything
    plan.precision = .float32
    return SyntheticRun(sites: sites, plan: plan, steps: 3)
  }

  @Test("Every operation makes what NumPy and PyTorch make of the same maps")
  func goldens() throws {
    let goldens = try JSONDecoder().decode(
      [Golden].self, from: SyntheticRecording.fixture("recipes.json"))
    #expect(goldens.count >= 19)
    try SyntheticRecording.with(Self.run) { recorded in
      for golden in goldens {
        let recipe = try Recipe(parsing: golden.recipe)
        #expect(recipe.description == golden.recipe)
        let maps = try recorded.aggregate(by: recipe)
        #expect(maps.grid == Grid(rows: golden.rows, columns: golden.columns), "\(recipe)")
        try #require(maps.values.count == golden.values.count)
        let scale = golden.values.map(abs).max() ?? 1
        let worst = zip(maps.values, golden.values).map { abs($0 - $1) }.max() ?? 0
        #expect(worst <= 3e-6 * max(scale, 1), "\(recipe): \(worst)")
      }
    }
  }

  @Test("The map of some tokens is a part of the map of all", arguments: NamedRecipe.allCases)
  func tokens(_ named: NamedRecipe) throws {
    var run = Self.run
    // The objective of a synthetic run reads 2x3.
    run.sites.append(
      AttentionSite(
        path: "up.c.attn2", kind: .cross, heads: 2, grid: Grid(rows: 2, columns: 3), keys: 7))
    try SyntheticRecording.with(run) { recorded in
      let all = try recorded.aggregate(by: named.recipe)
      let some = try recorded.aggregate(tokens: [2, 5], by: named.recipe)
      #expect(all.tokens == Array(0..<7) && some.tokens == [2, 5] && !all.values.isEmpty)
      for (column, token) in some.tokens.enumerated() {
        #expect(some.map(at: column) == all.map(at: token))
      }
    }
  }

  @Test("Pieces make a word's map as the recipe says", arguments: Recipe.PieceReduction.allCases)
  func pieces(_ reduction: Recipe.PieceReduction) throws {
    try SyntheticRecording.with(Self.run) { recorded in
      var recipe = Recipe(layers: "8x6")
      recipe.pieces = reduction
      let maps = try recorded.aggregate(by: recipe)
      let word = try maps.map(of: Subject(name: "word", tokens: [2, 3, 6]))
      for cell in 0..<48 {
        let pieces = [2, 3, 6].map { maps.map(at: $0).values[cell] }
        let expected =
          switch reduction {
          case .mean: pieces.reduce(0, +) / 3
          case .sum: pieces.reduce(0, +)
          case .max: pieces.max() ?? 0
          case .first: pieces[0]
          case .last: pieces[2]
          }
        #expect(abs(word.values[cell] - expected) < 1e-6)
      }
    }
  }

  @Test("Weights come from a file by layer, and must be there for each layer and head")
  func weights() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let recipe = try Recipe(parsing: "weighted(head: @w) sum(layer: 4x3) mean(step)")
      let given = HeadWeights(layers: ["down.a.attn2": [1, 0], "up.a.attn2": [0, 2]])
      let maps = try recorded.aggregate(by: recipe, weights: ["w": given])
      let parts = try [("down*", "0", Float(1)), ("up.a*", "1", 2)].map { layer, head, weight in
        try recorded.aggregate(by: Recipe(parsing: "mean(head: \(head)) mean(layer: \(layer))"))
          .values.map { weight * $0 }
      }
      for (value, expected) in zip(maps.values, zip(parts[0], parts[1]).map(+)) {
        #expect(abs(value - expected) < 1e-6)
      }
      for wrong in [nil, HeadWeights(layers: ["down.a.attn2": [1, 0]])] {
        #expect(throws: AnalysisError.self) {
          try recorded.aggregate(by: recipe, weights: wrong.map { ["w": $0] } ?? [:])
        }
      }
      #expect(throws: AnalysisError.self) {
        try recorded.aggregate(by: Recipe(parsing: "weighted(head: 1) mean(layer: 4x3)"))
      }
    }
  }

  @Test(
    "What a recipe cannot have is an error that names it",
    arguments: [
      "mean(layer: *)", "mean(layer: 9x9)", "mean(head: 7) mean(layer: 4x3)",
      "mean(layer: 4x3) mean(step: 7)", "mean(layer: 2x2) smooth(pixel: 5 1)",
      "mean(layer: *) mean(head) resize(pixel: bicubic largest)",
    ])
  func impossible(_ text: String) throws {
    try SyntheticRecording.with(Self.run) { recorded in
      #expect(throws: AnalysisError.self) { try recorded.aggregate(by: Recipe(parsing: text)) }
    }
  }

  @Test("A recipe that reads all tokens needs all of them recorded")
  func needsAllTokens() throws {
    var run = Self.run
    run.plan?.tokens = [2, 5]
    try SyntheticRecording.with(run) { recorded in
      let plain = try recorded.aggregate(by: Recipe(layers: "4x3"))
      #expect(plain.tokens == [2, 5])
      #expect(throws: AnalysisError.self) {
        try recorded.aggregate(
          tokens: [2], by: Recipe(parsing: "mean(layer: 4x3) softmax(token: 100)"))
      }
    }
  }

  @Test("A chunk that is gone is passed over and counted; one that was changed is named")
  func missingChunks() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let recipe = Recipe(layers: "4x3")
      let calls = recorded.calls.filter { $0.phase == .denoise && $0.branch == .conditional }
      let path = recorded.folder.store + "/up.a.attn2/c.\(calls[1].call).0.0.0.0"
      let others = try recorded.aggregate(by: recipe.taking(steps: [0, 2]))
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      try FileManager.default.removeItem(atPath: path)
      let maps = try recorded.aggregate(by: recipe)
      #expect(maps.calls == 2 && maps.missing == 1 && maps.values == others.values)
      #expect(try recorded.timeline(by: recipe).map(\.call.step) == [0, 2])
      var changed = bytes
      changed[40] ^= 1
      try changed.write(to: URL(fileURLWithPath: path))
      do {
        _ = try recorded.aggregate(by: recipe)
        Issue.record("a changed chunk was read")
      } catch {
        #expect("\(error)".contains(path))
      }
    }
  }

  @Test("Slices that are put together again are the whole")
  func slices() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let recipe = Recipe(layers: "4x3")
      let whole = try recorded.aggregate(tokens: [2, 5], by: recipe)
      var sum = [Float](repeating: 0, count: whole.values.count)
      var seen: [String] = []
      try recorded.forEachSlice(tokens: [2, 5], by: recipe, keeping: [.layer, .step, .head]) {
        seen.append("\($0.layer?.site.path ?? "") \($0.call?.step ?? -1) \($0.head ?? -1)")
        for (index, value) in $0.maps.values.enumerated() { sum[index] += value / 12 }
      }
      let expected = ["down.a.attn2", "up.a.attn2"].flatMap { layer in
        (0..<3).flatMap { step in (0..<2).map { "\(layer) \(step) \($0)" } }
      }
      #expect(seen == expected)
      for (value, expected) in zip(sum, whole.values) { #expect(abs(value - expected) < 1e-6) }
    }
  }

  @Test("Layers that are kept apart may stand on different grids")
  func layersApart() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      var grids: [Grid] = []
      try recorded.forEachSlice(by: Recipe(layers: "*"), keeping: [.layer]) {
        grids.append($0.maps.grid)
      }
      #expect(grids == Self.sites.map(\.grid))
    }
  }
}
