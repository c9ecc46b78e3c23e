package import AttentionTrace
internal import PromptText

/// A run without a model: passes and maps by a formula that any program can repeat.
package struct SyntheticRun: Sendable {
  package var sites: [AttentionSite]
  package var plan: RecordingPlan?
  package var steps: Int
  package var prompt = "a cat and a frog"
  /// The picture's, in pixels.
  package var width = 128
  /// The refinement's tries in the first step.
  package var tries = 2
  /// Added inside the maps' formula, so that two runs have different maps.
  package var shift = 0

  package init(sites: [AttentionSite] = Self.smallSites, plan: RecordingPlan?, steps: Int) {
    self.sites = sites
    self.plan = plan
    self.steps = steps
  }

  /// Two cross-attentions of different sizes and head counts, and a self-attention.
  package static let smallSites = [
    AttentionSite(
      path: "down_blocks.0.attentions.0.transformer_blocks.0.attn1", kind: .`self`, heads: 2,
      grid: Grid(rows: 2, columns: 3), keys: 6),
    AttentionSite(
      path: "down_blocks.0.attentions.0.transformer_blocks.0.attn2", kind: .cross, heads: 2,
      grid: Grid(rows: 2, columns: 3), keys: 7),
    AttentionSite(
      path: "mid_block.attentions.0.transformer_blocks.0.attn2", kind: .cross, heads: 3,
      grid: Grid(rows: 1, columns: 2), keys: 7),
  ]

  /// The same layers with queries of known width.
  package static let queriedSites = smallSites.map {
    AttentionSite(
      path: $0.path, kind: $0.kind, heads: $0.heads, grid: $0.grid, keys: $0.keys,
      width: 4 * $0.heads)
  }

  /// Records all that there is of `steps` steps, queries included.
  package static func complete(steps: Int) -> SyntheticRun {
    var plan = everything
    plan.queries = ["*"]
    return SyntheticRun(sites: queriedSites, plan: plan, steps: steps)
  }

  /// Keeps all maps that the model computes.
  package static let everything = RecordingPlan(
    layers: ["*", "*attn1"], branches: [.conditional, .unconditional],
    phases: [.loss, .refinement, .denoise])

  /// A loss pass and a denoising pass of both branches each step; the tries in the first step.
  package var passes: [AttentionPass] {
    (0..<steps).flatMap { step -> [AttentionPass] in
      let timestep = Double(1000 - step)
      func pass(_ phase: Phase, _ branches: [Branch], attempt: Int = 0) -> AttentionPass {
        AttentionPass(
          step: step, timestep: timestep, phase: phase, attempt: attempt, branches: branches)
      }
      let refinement = (0..<(step == 0 ? tries : 0)).map {
        pass(.refinement, [.conditional], attempt: $0 + 1)
      }
      return [pass(.loss, [.conditional])] + refinement
        + [pass(.denoise, [.unconditional, .conditional])]
    }
  }

  /// How many calls the passes make.
  package var calls: Int { passes.reduce(0) { $0 + $1.branches.count } }

  /// Maps of a site in a call, `[head, pixel, token]`: small whole numbers over their row's sum.
  package func maps(_ site: AttentionSite, call: Int) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(site.heads * site.grid.pixels * site.keys)
    for head in 0..<site.heads {
      for pixel in 0..<site.grid.pixels {
        let row = (0..<site.keys).map {
          Float(1 + ($0 * 7 + pixel * 3 + head * 5 + call * 11 + shift) % 13)
        }
        let sum = row.reduce(0, +)
        values += row.map { $0 / sum }
      }
    }
    return values
  }

  /// Queries of a site in a call, `[pixel, width]`: eighths from -6 to 6.
  package func queries(_ site: AttentionSite, call: Int) -> [Float] {
    let width = site.width ?? 0
    return (0..<site.grid.pixels * width).map { Float(($0 * 5 + call * 17) % 97 - 48) / 8 }
  }

  /// What the layer lends at a point in a call.
  package func values(_ site: AttentionSite, _ point: AttentionPoint, call: Int) -> [Float] {
    point == .queries ? queries(site, call: call) : maps(site, call: call)
  }

  /// What an objective would have said.
  package func measurement(_ pass: AttentionPass) -> PassMeasurement? {
    guard pass.phase != .denoise else { return nil }
    let loss = 1 / Float(2 + pass.step + pass.attempt)
    return PassMeasurement(loss: loss, scores: [1 - loss, 1 - loss / 2])
  }

  /// A manifest in which only the prompt, the plan and the steps vary.
  package var manifest: RunManifest {
    let pieces = [
      "<|startoftext|>", "a</w>", "cat</w>", "and</w>", "a</w>", "frog</w>", "<|endoftext|>",
    ]
    let tokens = TokenTable(
      prompt: prompt,
      tokens: pieces.enumerated().map {
        TokenTable.Token(
          index: $0, id: 40 + $0, piece: $1, range: nil, word: nil,
          special: $0 == 0 ? .start : $0 == pieces.count - 1 ? .end : nil)
      }, words: [], leftOut: [])
    let request = RunRequestRecord(
      prompt: prompt, seed: 0, steps: steps, guidanceScale: 7.5, scheduler: "ddim",
      method: .init(name: "attend-and-excite", knobs: ["scale-factor": "20"]),
      subjects: ["cat", "frog"], pieces: "last", recording: plan)
    return RunManifest(
      status: .running, request: request,
      texts: [EncodedText(.prompt, tokens), EncodedText(.negative, tokens)],
      subjects: [Subject(name: "cat", tokens: [2]), Subject(name: "frog", tokens: [5])],
      height: 128, width: width, timesteps: (0..<steps).map { Double(1000 - $0) },
      scheduler: ["name": "ddim"],
      method: RunManifest.Method(
        name: "attend-and-excite", title: "Attend-and-Excite",
        alteredSteps: steps, thresholds: [0: 0.5, 10: 0.8], grid: Grid(rows: 2, columns: 3)),
      model: RunManifest.Model(name: "synthetic", files: [:]),
      provenance: RunProvenance(
        version: "0.1.0", date: "2026-01-01T00:00:00Z", commandLine: ["generate", prompt]))
  }

  /// Lends what an observer wants of every pass.
  package func lend(to observer: any AttentionObserver) {
    var call = 0
    for pass in passes {
      lend(pass, from: call, to: observer)
      call += pass.branches.count
    }
  }

  /// Lends what an observer wants of a pass whose first branch is `call`.
  private func lend(_ pass: AttentionPass, from call: Int, to observer: any AttentionObserver) {
    for site in sites {
      for point in AttentionPoint.allCases where observer.wants(site, point, in: pass) {
        let rows = pass.branches.indices.flatMap { values(site, point, call: call + $0) }
        rows.withUnsafeBufferPointer { observer.observe($0.span, at: site, point, in: pass) }
      }
    }
  }

  /// Where a recording is.
  package enum Moment: String, CaseIterable, Sendable {
    /// The folder is not opened yet.
    case begin
    /// The store is made, and no pass of this process is in it yet.
    case record
    /// Every pass was handed over, and the recording is not closed yet.
    case close
  }

  /// Records into `folder` what is not there yet, from the first step that is not whole.
  /// - Parameters:
  ///   - folder: The run's folder.
  ///   - limit: After how many calls to stop as if interrupted; `nil` to go on to the end.
  ///   - durability: What the recording must survive.
  ///   - moment: Told where the recording is.
  ///   - progress: Told the number of acknowledged calls after each pass.
  /// - Throws: `TraceError`, or what `progress` throws.
  package func record(
    into folder: RunFolder, limit: Int? = nil, durability: Durability = .process,
    at moment: (Moment) -> Void = { _ in }, progress: (Int) throws -> Void = { _ in }
  ) throws {
    moment(.begin)
    let run: RunWriter
    switch try RunWriter.open(folder, for: manifest) {
    case .fresh(let writer), .resumable(let writer): run = writer
    case .complete: return
    }
    let whole = run.calls.lastIndex { $0.phase == .denoise && $0.branch == .conditional }
    let keeping = whole.map { $0 + 1 } ?? 0
    let recorder = try AttentionRecorder(
      in: run, sites: sites, capacity: calls, keeping: keeping, durability: durability)
    moment(.record)
    var call = 0
    for pass in passes {
      defer { call += pass.branches.count }
      if call < keeping { continue }
      if let limit, call >= limit { return try recorder.close() }
      lend(pass, from: call, to: recorder)
      try recorder.acknowledge(pass, measurement: measurement(pass))
      try progress(recorder.acknowledgedCalls)
    }
    moment(.close)
    try recorder.close()
    try run.writeLosses()
    try run.complete(seconds: 1, passes: UNetPasses(forward: passes.count))
  }
}
