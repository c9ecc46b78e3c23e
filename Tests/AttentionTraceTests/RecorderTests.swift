import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

@Suite("Recorder")
struct RecorderTests {
  /// What the plan keeps of a call's maps, rounded as stored; of a mean, in double precision.
  private func expected(
    _ run: SyntheticRun, _ recorded: RecordedSite, call: Int, _ precision: RecordingPlan.Precision
  ) -> [Float] {
    let site = recorded.site
    let all = run.maps(site, call: call)
    let keys = recorded.tokens ?? Array(0..<site.keys)
    func heads(_ heads: [Int]) -> [Float] {
      (0..<site.grid.pixels).flatMap { pixel in
        keys.map { key in
          let sum = heads.reduce(0) {
            $0 + Double(all[($1 * site.grid.pixels + pixel) * site.keys + key])
          }
          let value = Float(sum / Double(heads.count))
          return precision == .float16 ? Float(Float16(value)) : value
        }
      }
    }
    return recorded.reducedHeads == nil
      ? recorded.heads.flatMap { heads([$0]) } : heads(recorded.heads)
  }

  @Test("Any plan gives back what it keeps, and nothing else", arguments: 0..<40)
  func roundTrip(_ seed: UInt64) throws {
    var random = SeededNumbers(seed: seed)
    func some<Element>(_ all: [Element]) -> [Element] {
      let kept = all.filter { _ in Bool.random(using: &random) }
      return kept.isEmpty ? Array(all.prefix(1)) : kept
    }
    let plan = RecordingPlan(
      layers: some(["*attn1", "2x3", "mid*"]),
      heads: Bool.random(using: &random) ? nil : some([0, 1, 2]),
      tokens: Bool.random(using: &random) ? nil : some([6, 0, 3, 2]),
      branches: Set(some(Branch.allCases)), phases: Set(some(Phase.allCases)),
      steps: Bool.random(using: &random) ? nil : 1...2,
      precision: Bool.random(using: &random) ? .float16 : .float32,
      queries: Bool.random(using: &random) ? [] : some(["*", "1x2", "down*"]),
      reducedHeads: Bool.random(using: &random) ? .mean : nil)
    let folder = try TemporaryFolder()
    let run = SyntheticRun(sites: SyntheticRun.queriedSites, plan: plan, steps: 4)
    try run.record(into: RunFolder(path: folder.path + "/run"))
    let read = try RecordedRun(folder.path + "/run")
    #expect(read.manifest.status == .complete)
    #expect(read.calls.count == run.calls)
    #expect(read.sites == run.sites.compactMap { plan.recorded($0) })
    #expect(read.queriedSites == run.sites.filter(plan.keepsQueries))
    for call in read.calls {
      let isKept =
        plan.phases.contains(call.phase) && plan.branches.contains(call.branch)
        && plan.steps?.contains(call.step) ?? true
      #expect(
        call.checksums.count == (isKept ? read.sites.count + read.queriedSites.count : 0))
      for site in read.queriedSites {
        let queries = try read.queries(site.path, call: call.call)
        let width = try #require(site.width)
        #expect(queries?.shape == (isKept ? [site.grid.rows, site.grid.columns, width] : nil))
        #expect(read.hasQueries(of: site.path, in: call) == isKept)
        // Eighths are the same in both precisions.
        if isKept { #expect(queries?.values == run.queries(site, call: call.call)) }
      }
      for site in read.sites {
        let maps = try read.maps(site.site.path, call: call.call)
        #expect(maps?.shape == (isKept ? site.shape : nil))
        guard isKept, let values = maps?.values else { continue }
        let expected = expected(run, site, call: call.call, plan.precision)
        // The order in which heads are added changes the last bit.
        let rounding: Float =
          site.reducedHeads == nil ? 0 : plan.precision == .float16 ? 1e-3 : 1e-6
        #expect(zip(values, expected).allSatisfy { abs($0 - $1) <= rounding * $1 })
      }
    }
  }

  @Test("Every pass is journalled with its place in the run, maps or not")
  func journal() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun(plan: RecordingPlan(), steps: 2)
    try run.record(into: RunFolder(path: folder.path + "/run"))
    let calls = try RecordedRun(folder.path + "/run").calls
    #expect(calls.map(\.call) == Array(0..<8))
    #expect(calls.map(\.step) == [0, 0, 0, 0, 0, 1, 1, 1])
    #expect(calls.map(\.attempt) == [0, 1, 2, 0, 0, 0, 0, 0])
    #expect(calls.map(\.timestep) == [1000, 1000, 1000, 1000, 1000, 999, 999, 999])
    #expect(
      calls.map(\.phase) == [
        .loss, .refinement, .refinement, .denoise, .denoise, .loss, .denoise, .denoise,
      ])
    #expect(calls.map { $0.branch == .unconditional }.enumerated().filter(\.1).map(\.0) == [3, 6])
    #expect(calls.map { $0.measurement != nil } == calls.map { $0.phase != .denoise })
    #expect(calls.map { $0.checksums.count } == [0, 0, 0, 0, 2, 0, 0, 2])
  }

  @Test("Without a plan the calls are journalled and there is no store")
  func noPlan() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun(plan: nil, steps: 2)
    try run.record(into: RunFolder(path: folder.path + "/run"))
    let read = try RecordedRun(folder.path + "/run")
    #expect(read.calls.count == 8 && read.sites.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: read.folder.store))
  }

  @Test(
    "A run that stops and resumes leaves the same bytes as one that does not", arguments: 0..<13)
  func resume(_ calls: Int) throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun.complete(steps: 4)
    try run.record(into: RunFolder(path: folder.path + "/whole"))
    let resumed = RunFolder(path: folder.path + "/resumed")
    try run.record(into: resumed, limit: calls)
    #expect(try RecordedRun(resumed.path).manifest.status == .running)
    try run.record(into: resumed)
    #expect(
      try TemporaryFolder.contents(resumed.path)
        == TemporaryFolder.contents(folder.path + "/whole"))
  }

  @Test("Both durabilities leave the same bytes, also past one chunk of coordinates")
  func durability() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun(plan: RecordingPlan(layers: ["mid*"]), steps: 90)
    #expect(run.calls > 256)
    for durability in Durability.allCases {
      try run.record(
        into: RunFolder(path: folder.path + "/\(durability.rawValue)"), durability: durability)
    }
    #expect(
      try TemporaryFolder.contents(folder.path + "/process")
        == TemporaryFolder.contents(folder.path + "/power"))
  }

  /// Maps of everything; queries of both cross-attentions beside few maps.
  private static let committed = [
    "store": SyntheticRun(plan: SyntheticRun.everything, steps: 2),
    "queries": SyntheticRun(
      sites: SyntheticRun.queriedSites,
      plan: RecordingPlan(
        layers: ["mid*"], heads: [1], tokens: [2, 5], branches: Set(Branch.allCases),
        queries: ["*"]),
      steps: 2),
  ]

  @Test(
    "The committed stores are what is written; check_store.py and check_queries.py opened them",
    arguments: ["store", "queries"])
  func committedStore(_ name: String) throws {
    let fixture =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures/" + name
    let folder = try TemporaryFolder()
    let run = try #require(Self.committed[name])
    try run.record(into: RunFolder(path: folder.path + "/store"))
    let written = try TemporaryFolder.contents(folder.path + "/store/attention.zarr")
    let committed = try TemporaryFolder.contents(fixture + "/attention.zarr")
    #expect(written.keys.sorted() == committed.keys.sorted())
    for (name, bytes) in written { #expect(committed[name] == bytes, "\(name)") }
  }

  @Test("A pass beyond the calls that a recording was made for is refused, and the others stay")
  func tooManyCalls() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun(plan: RecordingPlan(), steps: 2)
    let path = folder.path + "/run"
    guard case .fresh(let writer) = try RunWriter.open(RunFolder(path: path), for: run.manifest)
    else {
      Issue.record("the folder is not fresh")
      return
    }
    let recorder = try AttentionRecorder(in: writer, sites: run.sites, capacity: 1)
    try recorder.acknowledge(run.passes[0])
    #expect(throws: TraceError.tooManyCalls(path: path, capacity: 1)) {
      try recorder.acknowledge(run.passes[1])
    }
    try recorder.close()
    #expect(try RecordedRun(path).calls.count == 1)
  }

  @Test("Work that follows a pass is done after it is on disk, and its error comes out")
  func afterwards() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun(plan: RecordingPlan(), steps: 2)
    guard
      case .fresh(let writer) = try RunWriter.open(
        RunFolder(path: folder.path + "/run"), for: run.manifest)
    else {
      Issue.record("the folder is not fresh")
      return
    }
    let recorder = try AttentionRecorder(in: writer, sites: run.sites, capacity: run.calls)
    try recorder.acknowledge(run.passes[0])
    let path = folder.path
    recorder.afterwards {
      try overwrite(path + "/seen", bytes(path + "/run/calls.jsonl"))
    }
    try recorder.flush()
    #expect(recorder.acknowledgedCalls == 1)
    #expect(try bytes(path + "/seen") == bytes(path + "/run/calls.jsonl"))
    let failure = TraceError.busy(path: "there")
    recorder.afterwards { throw failure }
    #expect(throws: failure) { try recorder.flush() }
    #expect(throws: failure) { try recorder.acknowledge(run.passes[1]) }
    #expect(throws: failure) { try recorder.close() }
    #expect(try RecordedRun(path + "/run").calls.count == 1)
  }
}
