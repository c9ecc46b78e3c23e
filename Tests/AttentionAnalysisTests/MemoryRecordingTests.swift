import AttentionAnalysis
import AttentionTrace
import PromptText
import RecordingProbe
import Testing

@Suite("Recordings in memory")
struct MemoryRecordingTests {
  private static let recipes = [
    "mean(head) mean(layer: 2x3) mean(step)",
    "max(head) mean(layer: loss-grid) sum(step: 1..2) conditional unconditional mean(branch)",
    "resize(pixel: bilinear 4x6) mean(head) mean(layer: *) last(step)",
    "mean(head: 1) mean(layer: 2x3) softmax(token: 100 without unread) mean(step) loss",
    "mean(layer: 2x3) mean(step) refinement",
  ]

  private func recorder(_ run: SyntheticRun) throws -> MemoryRecorder {
    let manifest = run.manifest
    return try MemoryRecorder(
      run.plan ?? SyntheticRun.everything, sites: run.sites, prompt: manifest.tokens,
      negative: manifest.tokens(of: .unconditional), lossGrid: manifest.method.grid)
  }

  @Test(
    "Every recipe makes the same maps of it as of a run's folder, in either precision",
    arguments: recipes, RecordingPlan.Precision.allCases)
  func sameAsFolder(_ text: String, _ precision: RecordingPlan.Precision) throws {
    var plan = SyntheticRun.everything
    plan.precision = precision
    let run = SyntheticRun(plan: plan, steps: 3)
    let recipe = try Recipe(parsing: text)
    let recorder = try recorder(run)
    run.lend(to: recorder)
    let memory = recorder.recording
    try SyntheticRecording.with(run) { folder in
      let (inMemory, inFolder) = try (
        memory.aggregate(by: recipe), folder.aggregate(by: recipe)
      )
      #expect(inMemory == inFolder)
      let cat = Subject(name: "cat", tokens: [2])
      let (map, expected) = try (
        memory.maps(of: [cat], by: recipe), folder.maps(of: [cat], by: recipe)
      )
      #expect(map == expected)
      #expect(memory.calls.map(\.step) == folder.calls.map(\.step))
    }
  }

  @Test("What the plan leaves out is refused as it is for a run's folder")
  func selection() throws {
    let plan = RecordingPlan(layers: ["2x3"], tokens: [0, 2], precision: .float32)
    let run = SyntheticRun(plan: plan, steps: 2)
    let recorder = try recorder(run)
    run.lend(to: recorder)
    let memory = recorder.recording
    #expect(memory.calls.allSatisfy { $0.phase == .denoise })
    #expect(try memory.aggregate(by: Recipe(layers: "2x3")).tokens == [0, 2])
    for text in ["mean(layer: 1x2)", "mean(layer: 2x3) loss", "mean(layer: 2x3) mean(step: 0..9)"] {
      #expect(throws: AnalysisError.self) {
        try memory.aggregate(by: Recipe(parsing: text))
      }
    }
    #expect(throws: AnalysisError.self) {
      try memory.aggregate(tokens: [5], by: Recipe(layers: "2x3"))
    }
  }

  @Test(
    "Two passes of one number are two, as a search for noise and refinement after it count their tries"
  )
  func sameNumber() throws {
    let run = SyntheticRun(plan: SyntheticRun.everything, steps: 1)
    let recorder = try recorder(run)
    let pass = AttentionPass(
      step: 0, timestep: 1000, phase: .refinement, attempt: 2, branches: [.conditional])
    let sites = run.sites.filter { $0.kind == .cross }
    for call in 0..<2 {
      for site in sites {
        recorder.observe(run.maps(site, call: call).span, at: site, .probabilities, in: pass)
      }
    }
    let recipe = try Recipe(parsing: "mean(head) mean(layer: 2x3) mean(step) refinement")
    let maps = try recorder.recording.aggregate(by: recipe)
    let site = try #require(sites.first { $0.grid == maps.grid })
    let (first, second) = (run.maps(site, call: 0), run.maps(site, call: 1))
    let head = site.grid.pixels * site.keys
    #expect(maps.calls == 2)
    for place in 0..<head {
      let mean = (first[place] + first[head + place] + second[place] + second[head + place]) / 4
      #expect(abs(maps.values[place] - mean) < 1e-3)
    }
    #expect(try recorder.recording.timeline(by: recipe).count == 2)
  }

  @Test("A plan that names no layer or token of the model is refused")
  func badPlan() {
    let run = SyntheticRun(plan: nil, steps: 1)
    for plan in [RecordingPlan(layers: ["9x9"]), RecordingPlan(tokens: [77])] {
      #expect(throws: TraceError.self) {
        try MemoryRecorder(
          plan, sites: run.sites, prompt: run.manifest.tokens, lossGrid: Grid(rows: 2, columns: 3))
      }
    }
  }

  @Test("A word's map by a recipe, both as text, has its peak")
  func peak() throws {
    var run = SyntheticRun(plan: SyntheticRun.everything, steps: 2)
    run.prompt = "a cat and a frog"
    try SyntheticRecording.with(run) { recorded in
      let map = try recorded.map(of: "@2", by: "mean(layer: 2x3)")
      let expected = try recorded.maps(
        of: [Subject(name: "@2", tokens: [2])], by: Recipe(layers: "2x3"))
      #expect([map] == expected)
      #expect(map.peak == MapPeak(of: expected[0].map) && map.peak.value == map.largest)
      #expect(throws: AnalysisError.self) { try recorded.map(of: "@2", by: "median(head)") }
      #expect(throws: TextError.self) { try recorded.map(of: "dog", by: "mean(layer: 2x3)") }
    }
  }
}
