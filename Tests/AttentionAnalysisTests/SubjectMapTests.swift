import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import RecordingProbe
import TensorEngine
import Testing

@Suite("Maps of subjects")
struct SubjectMapTests {
  private static let grid = Grid(rows: 2, columns: 3)
  private static let sites = [
    AttentionSite(path: "down.a.attn1", kind: .`self`, heads: 2, grid: grid, keys: 6),
    AttentionSite(path: "down.a.attn2", kind: .cross, heads: 2, grid: grid, keys: 7),
    AttentionSite(
      path: "mid.a.attn2", kind: .cross, heads: 3, grid: Grid(rows: 1, columns: 2), keys: 7),
    AttentionSite(path: "up.a.attn2", kind: .cross, heads: 4, grid: grid, keys: 7),
  ]
  private static let subjects = [
    Subject(name: "cat", tokens: [2]), Subject(name: "porcupine", tokens: [3, 4, 6]),
  ]
  private static let everything = RecordingPlan(
    layers: ["*", "*attn1"], branches: Set(Branch.allCases), phases: Set(Phase.allCases),
    precision: .float32)

  /// Records a synthetic run and reads it.
  private func withRun(
    _ plan: RecordingPlan?, steps: Int = 3, _ body: (SyntheticRun, RecordedRun) throws -> Void
  ) throws {
    let path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = SyntheticRun(sites: Self.sites, plan: plan, steps: steps)
    try run.record(into: RunFolder(path: path))
    try body(run, RecordedRun(path))
  }

  /// The mean over a call's layers and heads, each layer with the same weight.
  private func naive(
    _ run: SyntheticRun, _ sites: [AttentionSite], heads: [Int]? = nil, tokens: [Int], call: Int
  ) -> [Double] {
    let maps = sites.map { site -> [Double] in
      let values = run.maps(site, call: call)
      let heads = heads ?? Array(0..<site.heads)
      return (0..<site.grid.pixels).map { pixel in
        var sum = 0.0
        for head in heads {
          for token in tokens {
            sum += Double(values[(head * site.grid.pixels + pixel) * site.keys + token])
          }
        }
        return sum / Double(heads.count * tokens.count)
      }
    }
    return maps[0].indices.map { pixel in maps.reduce(0) { $0 + $1[pixel] } / Double(maps.count) }
  }

  private func isClose(_ map: [Float], _ expected: [Double]) -> Bool {
    map.count == expected.count
      && zip(map, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 }
  }

  @Test(
    "A map is the mean over heads, layers, pieces and the calls that the recipe takes",
    arguments: [
      Recipe(layers: "2x3"), Recipe(layers: "2x3", steps: 1...2),
      Recipe(layers: "up*", branch: .unconditional), Recipe(layers: "mid*", phase: .loss),
      Recipe(layers: "down*", steps: 0...0, phase: .refinement),
    ])
  func maps(_ recipe: Recipe) throws {
    try withRun(Self.everything) { run, recorded in
      let sites = Self.sites.filter { site in
        site.kind == .cross
          && (recipe.layers == [site.grid.description]
            || site.path.hasPrefix(recipe.layers[0].prefix { $0 != "*" }))
      }
      let calls = recorded.calls.filter {
        recipe.branches == [$0.branch] && recipe.phases == [$0.phase]
          && recipe.steps?.contains($0.step) ?? true
      }
      // The other branch has other words: its tokens go by their indices.
      let subjects =
        recipe.branches == [.unconditional]
        ? [Subject(name: "@2", tokens: [2]), Subject(name: "@3", tokens: [3])] : Self.subjects
      let maps = try recorded.maps(of: subjects, by: recipe)
      let largest = try recorded.largest(of: subjects, by: recipe)
      #expect(largest.map(\.call) == calls)
      for (index, subject) in subjects.enumerated() {
        let single = calls.map { naive(run, sites, tokens: subject.tokens, call: $0.call) }
        let expected = single[0].indices.map { pixel in
          single.reduce(0) { $0 + $1[pixel] } / Double(calls.count)
        }
        let map = maps[index]
        #expect(isClose(map.values, expected))
        #expect(map.calls == calls.count && map.layers == sites && map.grid == sites[0].grid)
        #expect(map.largest == map.values.max())
        #expect(isClose(largest.map { $0.values[index] }, single.map { $0.max() ?? 0 }))
      }
    }
  }

  /// Twice the recorded maps of the layers on one grid, in all calls but one.
  private struct Doubled: RunDerivedSource {
    let run: RecordedRun
    let without: Int
    var sites: [RecordedSite] { run.sites.filter { $0.site.grid.rows == 1 } }
    var prompt: TokenTable { run.prompt }
    func holds(_ site: RecordedSite, in call: CallRecord) -> Bool {
      run.holds(site, in: call) && call.call != without
    }
    func missing(_ site: RecordedSite) -> Set<Int> { run.missing(site) }
    func chunk(_ site: RecordedSite, in call: CallRecord) throws -> Tensor? {
      guard call.call != without else { return nil }
      return try run.chunk(site, in: call).map { maps in
        Tensor(maps.values.map { 2 * $0 }, shape: maps.shape)
      }
    }
  }

  @Test("A recipe reads whatever source of maps it is given, call by call")
  func otherSource() throws {
    try withRun(Self.everything) { run, recorded in
      let calls = recorded.calls.filter { $0.phase == .denoise && $0.branch == .conditional }
      let last = try #require(calls.last)
      let source = Doubled(run: recorded, without: last.call)
      let maps = try source.maps(of: Self.subjects, by: Recipe(layers: "*"))
      let site = Self.sites[2]
      for (map, subject) in zip(maps, Self.subjects) {
        #expect(map.layers == [site] && map.calls == calls.count - 1)
        let single = calls.dropLast().map {
          naive(run, [site], tokens: subject.tokens, call: $0.call)
        }
        let expected = single[0].indices.map { pixel in
          2 * single.reduce(0) { $0 + $1[pixel] } / Double(single.count)
        }
        #expect(isClose(map.values, expected))
      }
      let final = try source.maps(
        of: Self.subjects, by: try Recipe(parsing: "mean(layer: *) last(step)"))
      let before = calls[calls.count - 2].call
      #expect(
        isClose(
          final[0].values,
          naive(run, [site], tokens: Self.subjects[0].tokens, call: before).map { 2 * $0 }))
    }
  }

  @Test("Of a recording of some tokens and heads, the map is of those heads")
  func selection() throws {
    var plan = Self.everything
    plan.tokens = [6, 2, 4, 3]
    plan.heads = [1]
    try withRun(plan) { run, recorded in
      let maps = try recorded.maps(of: Self.subjects, by: Recipe(layers: "up*", steps: 2...2))
      let call = try #require(
        recorded.calls.last { $0.step == 2 && $0.branch == .conditional && $0.phase == .denoise })
      for (map, subject) in zip(maps, Self.subjects) {
        let expected = naive(
          run, [Self.sites[3]], heads: [1], tokens: subject.tokens, call: call.call)
        #expect(isClose(map.values, expected))
      }
      #expect(throws: AnalysisError.self) {
        try recorded.maps(of: [Subject(name: "frog", tokens: [5])], by: Recipe(layers: "up*"))
      }
    }
  }

  @Test("Calls that were not recorded are passed over")
  func missingCalls() throws {
    var plan = Self.everything
    plan.steps = 1...1
    try withRun(plan, steps: 4) { _, recorded in
      let maps = try recorded.maps(of: Self.subjects, by: Recipe(layers: "2x3"))
      #expect(maps[0].calls == 1)
      let largest = try recorded.largest(of: Self.subjects, by: Recipe(layers: "2x3"))
      #expect(largest.map(\.call.step) == [1])
    }
  }

  @Test("What was not recorded is an error that names what there is")
  func nothing() throws {
    var plan = RecordingPlan(layers: ["mid*", "2x3"], steps: 1...1)
    try withRun(plan) { _, recorded in
      for recipe in [
        Recipe(layers: "*"), Recipe(layers: "9x9"), Recipe(layers: "*attn1"),
        Recipe(layers: "2x3", steps: 2...2), Recipe(layers: "2x3", branch: .unconditional),
        Recipe(layers: "2x3", phase: .loss), Recipe(layers: "2x3", steps: 7...9),
      ] {
        #expect(throws: AnalysisError.self, "\(recipe)") {
          try recorded.maps(of: Self.subjects, by: recipe)
        }
      }
      #expect(throws: AnalysisError.self) {
        try recorded.maps(of: [Subject(name: "none", tokens: [])], by: Recipe(layers: "2x3"))
      }
    }
    plan.layers = ["*attn1"]
    for plan in [nil, plan] {
      try withRun(plan) { _, recorded in
        #expect(throws: AnalysisError.self) {
          try recorded.maps(of: Self.subjects, by: Recipe(layers: "2x3"))
        }
      }
    }
  }

  @Test("Tokens beyond those recorded are an error, not an end of the process")
  func tokenOutOfReach() throws {
    try withRun(Self.everything) { _, recorded in
      for token in [-1, 7, Int.max] {
        #expect(throws: AnalysisError.self) {
          try recorded.maps(
            of: [Subject(name: "x", tokens: [token])], by: Recipe(layers: "2x3"))
        }
      }
    }
  }
}
