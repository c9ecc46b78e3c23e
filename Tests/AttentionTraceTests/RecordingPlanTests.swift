import AttentionTrace
import Foundation
import RecordingProbe
import TestSupport
import Testing

@Suite("Recording plan")
struct RecordingPlanTests {
  let sites = SyntheticRun.smallSites

  private func site(_ path: String, _ rows: Int, _ columns: Int) -> AttentionSite {
    AttentionSite(
      path: path, kind: path.hasSuffix("attn1") ? .`self` : .cross, heads: 2,
      grid: Grid(rows: rows, columns: columns), keys: 7)
  }

  @Test(
    "A pattern is a glob over the path or a grid",
    arguments: [
      ("*", true), ("up*", true), ("*.attn2", true), ("up_blocks.?.*", true), ("16x24", true),
      ("up_blocks.1.attentions.0.transformer_blocks.0.attn2", true), ("up", false),
      ("24x16", false), ("16x2", false), ("down*", false), ("", false), ("*attn1", false),
      ("*.attn?", true), ("**2", true), ("up_blocks.??.*", false),
    ])
  func pattern(_ text: String, _ matches: Bool) {
    let site = site("up_blocks.1.attentions.0.transformer_blocks.0.attn2", 16, 24)
    #expect(LayerPattern(text).matches(site) == matches)
  }

  @Test("Only a pattern that says attn1 keeps self-attention")
  func selfAttention() {
    let site = site("mid_block.attentions.0.transformer_blocks.0.attn1", 16, 16)
    for pattern in ["*", "mid*", "16x16", "*attn?"] {
      #expect(!LayerPattern(pattern).matches(site))
    }
    for pattern in ["*attn1", "mid*.attn1"] { #expect(LayerPattern(pattern).matches(site)) }
  }

  @Test("Globs agree with a matcher that tries everything")
  func globsAgree() {
    func naive(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" {
        return naive(pattern.dropFirst(), text)
          || (!text.isEmpty && naive(pattern, text.dropFirst()))
      }
      guard let next = text.first, first == "?" || first == next else { return false }
      return naive(pattern.dropFirst(), text.dropFirst())
    }
    var random = SeededNumbers(seed: 1)
    var matched = 0
    for _ in 0..<5000 {
      let pattern = String(
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
          "ab*?".randomElement(using: &random) ?? "a"
        })
      let text = String(
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
          "ab".randomElement(using: &random) ?? "a"
        })
      let expected = naive(pattern[...], text[...])
      matched += expected ? 1 : 0
      #expect(
        LayerPattern(pattern).matches(site(text, 1, 1)) == expected, "'\(pattern)' on '\(text)'")
    }
    #expect(matched > 500)
  }

  @Test("A pattern that fits no layer is refused, with the layers there are")
  func unmatched() {
    let plan = RecordingPlan(layers: ["mid*", "up*"])
    let error = TraceError.unmatchedPattern("up*", sites: sites.map(\.path))
    #expect(throws: error) { try plan.validate(sites: sites, iterations: 5) }
    #expect("\(error)".contains("mid_block.attentions.0.transformer_blocks.0.attn2"))
  }

  @Test("Queries are kept of cross-attention alone, and of all heads and tokens")
  func queries() throws {
    let plan = RecordingPlan(layers: ["mid*"], heads: [1], tokens: [2], queries: ["2x3", "*attn1"])
    let sites = SyntheticRun.queriedSites
    #expect(sites.filter(plan.keepsQueries) == [sites[1]])
    #expect(self.sites.filter(plan.keepsQueries).isEmpty)
    let error = TraceError.unmatchedPattern("*attn1", sites: sites.dropFirst().map(\.path))
    #expect(throws: error) { try plan.validate(sites: sites, iterations: 5) }
  }

  @Test("The cost of queries is that of their numbers, in blocks")
  func queryCost() {
    let site = AttentionSite(
      path: "up.attn2", kind: .cross, heads: 8, grid: Grid(rows: 64, columns: 64), keys: 77,
      width: 320)
    let passes = (0..<50).map {
      AttentionPass(step: $0, timestep: 0, phase: .denoise, branches: [.conditional])
    }
    let maps = RecordingPlan().cost(sites: [site], passes: passes)
    let both = RecordingPlan(queries: ["*"]).cost(sites: [site], passes: passes)
    #expect(maps.queryBytes == 0)
    // 4096 queries of 320 halves fill 640 blocks; their checksum takes one more.
    #expect(both.queryBytes == 50 * 641 * 4096)
    #expect(both.bytesOnDisk - maps.bytesOnDisk >= both.queryBytes)
    #expect(both.bytesOnDisk - maps.bytesOnDisk < both.queryBytes + 16 * 4096)
    #expect(both.memory - maps.memory == 2 * (4096 * 320 * 2 + 4))
  }

  @Test(
    "An index that no layer has is refused",
    arguments: [
      RecordingPlan(heads: [3]), RecordingPlan(heads: [-1]), RecordingPlan(heads: []),
      RecordingPlan(layers: ["2x3"], heads: [2]), RecordingPlan(tokens: [7]),
      RecordingPlan(tokens: [0, -1]), RecordingPlan(tokens: []), RecordingPlan(steps: 0...5),
      RecordingPlan(steps: -1...2), RecordingPlan(layers: []), RecordingPlan(branches: []),
      RecordingPlan(phases: []),
    ])
  func outOfRange(_ plan: RecordingPlan) {
    #expect(throws: TraceError.self) { try plan.validate(sites: sites, iterations: 5) }
  }

  @Test("A head that only some layers have is passed over in the others")
  func someHeads() throws {
    let plan = RecordingPlan(heads: [2, 0])
    try plan.validate(sites: sites, iterations: 5)
    #expect(plan.recorded(sites[1])?.heads == [0])
    #expect(plan.recorded(sites[2])?.heads == [0, 2])
    #expect(RecordingPlan(heads: [2]).recorded(sites[1]) == nil)
  }

  @Test("A plan is the same bytes each time, and reads back")
  func encoding() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let plan = RecordingPlan(
      heads: [1], branches: Set(Branch.allCases), phases: Set(Phase.allCases), steps: 2...4)
    let data = try encoder.encode(plan)
    #expect(
      String(decoding: data, as: UTF8.self) == """
        {"branches":["unconditional","conditional"],"heads":[1],"layers":["*"],\
        "phases":["loss","refinement","denoise"],"precision":"float16","steps":[2,4]}
        """)
    #expect(try JSONDecoder().decode(RecordingPlan.self, from: data) == plan)
    let queried = RecordingPlan(queries: ["16x16", "mid*"])
    let text = String(decoding: try encoder.encode(queried), as: UTF8.self)
    #expect(text.contains("\"precision\":\"float16\",\"queries\":[\"16x16\",\"mid*\"]"))
    #expect(try JSONDecoder().decode(RecordingPlan.self, from: Data(text.utf8)) == queried)
  }

  @Test("The cost of all cross-attention of Stable Diffusion 1.4 is the published one")
  func stableDiffusionCost() {
    let grids = [(64, 5), (32, 5), (16, 5), (8, 1)]
    let sites = grids.flatMap { side, count in
      (0..<count).map {
        AttentionSite(
          path: "r\(side).\($0).attn2", kind: .cross, heads: 8,
          grid: Grid(rows: side, columns: side),
          keys: 77)
      }
    }
    let passes = (0..<50).map {
      AttentionPass(
        step: $0, timestep: 0, phase: .denoise, branches: [.unconditional, .conditional])
    }
    let cost = RecordingPlan().cost(sites: sites, passes: passes)
    #expect(cost.calls == 100)
    #expect(cost.recordedCalls == 50)
    // 33,195,008 bytes a call; checksums and blocks add a little.
    #expect(cost.bytesOnDisk >= 1_659_750_400)
    #expect(cost.bytesOnDisk < 1_670_000_000)
    #expect(cost.memory == 2 * (33_195_008 + 16 * 4))
  }

  @Test("The cost bounds what a recording takes", arguments: [1, 40, 300])
  func costBounds(_ steps: Int) throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun.complete(steps: steps)
    try run.record(into: RunFolder(path: folder.path + "/run"))
    let cost = try #require(run.plan).cost(sites: run.sites, passes: run.passes)
    #expect(cost.calls == run.calls && cost.recordedCalls == run.calls)
    let files = try TemporaryFolder.contents(folder.path + "/run")
    let taken = files.values.reduce(0) { $0 + ($1.count + 4095) / 4096 * 4096 }
    #expect(taken <= cost.bytesOnDisk, "\(taken) of \(cost.bytesOnDisk)")
    #expect(Double(cost.bytesOnDisk) < Double(taken) * 1.3 + 200_000)
  }

  @Test("A recording that does not fit is refused, also where the folder is not made yet")
  func doesNotFit() throws {
    let huge = AttentionSite(
      path: "a.attn2", kind: .cross, heads: 1024, grid: Grid(rows: 8192, columns: 8192), keys: 77)
    let pass = AttentionPass(step: 0, timestep: 0, phase: .denoise, branches: [.conditional])
    let cost = RecordingPlan().cost(sites: [huge], passes: Array(repeating: pass, count: 10_000))
    let folder = try TemporaryFolder()
    let error = #expect(throws: TraceError.self) {
      try cost.check(fits: folder.path + "/not/there")
    }
    #expect(error?.description.contains("fewer layers") ?? false)
    try RecordingPlan().cost(sites: sites, passes: [pass]).check(fits: folder.path)
    #expect(try RecordingCost.freeDisk(at: "relative/not/there") > 0)
  }
}
