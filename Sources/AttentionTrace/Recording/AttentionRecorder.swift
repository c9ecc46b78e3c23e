internal import Dispatch
internal import Synchronization
internal import TensorEngine

// Unsafe: lent values are copied row by row, after their count is checked.

/// Writes what a plan keeps of a run's attention into the run's folder, call by call.
///
/// The model lends maps during a pass; ``acknowledge(_:measurement:)`` ends the pass and gives its
/// calls their numbers. Each call goes to disk in a fixed order: its chunks, its coordinates, its
/// line in `calls.jsonl`. With the line the call is acknowledged, and nothing takes it back.
///
/// The disk is served by a thread of its own, one pass behind the model, so that memory holds two
/// passes at most. Use a recorder from one thread.
public final class AttentionRecorder: AttentionObserver {
  /// What is recorded of the model's sites, in the model's order; empty for nothing.
  public let sites: [RecordedSite]

  /// The sites whose queries are recorded, in the model's order.
  public let queriedSites: [AttentionSite]

  private let folder: String
  private let plan: RecordingPlan?
  private let durability: Durability
  private let arrays: [RecordedArray]
  /// Positions in `arrays` by name.
  private let indices: [String: Int]
  private let capacity: Int
  private let writer: CallWriter
  private let queue = DispatchQueue(label: "AttentionRecorder")
  /// The pass being made, and the one that may be on its way to the disk.
  private var filling: PassBuffer
  private var waiting: PassBuffer
  private var nextCall: Int

  /// Begins a recording, or continues one after its first `keeping` calls: later ones are removed.
  /// - Parameters:
  ///   - run: The run, open for writing; its manifest says what is recorded.
  ///   - sites: The model's attention layers.
  ///   - capacity: The most calls the run can make, refinement tries included.
  ///   - keeping: How many acknowledged calls to keep.
  ///   - durability: What the recording must survive.
  /// - Throws: `TraceError` if the folder cannot be written, or holds fewer calls than `keeping`, and for a
  ///   layer that no recording can hold.
  public init(
    in run: RunWriter, sites: [AttentionSite], capacity: Int, keeping: Int = 0,
    durability: Durability = .process
  ) throws {
    folder = run.folder.path
    plan = run.manifest.plan
    self.durability = durability
    self.capacity = capacity
    let plan = run.manifest.plan
    self.sites = plan.map { plan in sites.compactMap { plan.recorded($0) } } ?? []
    queriedSites = plan.map { sites.filter($0.keepsQueries) } ?? []
    let arrays = plan?.arrays(of: sites) ?? []
    self.arrays = arrays
    let precision = plan?.precision ?? .float16
    if let flaw = arrays.lazy.compactMap({ $0.flaw(precision) }).first {
      throw TraceError.malformed(path: folder, reason: flaw)
    }
    indices = Dictionary(uniqueKeysWithValues: arrays.enumerated().map { ($1.name, $0) })
    writer = try CallWriter(
      run: run, arrays: arrays, precision: precision, capacity: capacity, keeping: keeping,
      durability: durability)
    filling = PassBuffer(arrays: arrays, precision: precision)
    waiting = PassBuffer(arrays: arrays, precision: precision)
    nextCall = keeping
  }

  /// Whether the plan keeps probabilities or queries of `site` in `pass`.
  public func wants(
    _ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass
  ) -> Bool {
    index(of: site, point) != nil && plan?.keeps(pass) ?? false
  }

  private func index(of site: AttentionSite, _ point: AttentionPoint) -> Int? {
    switch point {
    case .probabilities: indices[site.path]
    case .queries: indices[RecordedArray.queriesName(site.path)]
    case .scores: nil
    }
  }

  /// Copies what the plan keeps of `values`.
  public func observe(
    _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass
  ) {
    guard let plan, let index = index(of: site, point) else { return }
    let perBranch = site.count(at: point)
    guard site == arrays[index].site, values.count == pass.branches.count * perBranch else {
      bug("\(values.count) values of \(pass.branches.count) branches at \(site)")
    }
    unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      for (row, branch) in pass.branches.enumerated() where plan.branches.contains(branch) {
        unsafe filling.fill(array: index, row: row, from: base + row * perBranch)
      }
    }
  }

  /// Ends a pass: its branches become calls, in their order, whether or not anything of them is
  /// kept.
  ///
  /// When it returns, every *earlier* pass is on disk; ``flush()`` waits for this one too. With
  /// `Durability.power` it waits itself.
  /// - Parameters:
  ///   - pass: The pass that ends; its values are those lent since the last one ended.
  ///   - measurement: What the objective said of the pass; goes to the conditional branch.
  /// - Throws: `TraceError` of this or an earlier pass, and `TraceError.tooManyCalls` where the run was to
  ///   make fewer. The calls acknowledged before stay intact,
  ///   and nothing more is written.
  public func acknowledge(
    _ pass: AttentionPass, measurement: PassMeasurement? = nil
  ) throws {
    try flush()
    guard nextCall + pass.branches.count <= capacity else {
      throw TraceError.tooManyCalls(path: folder, capacity: capacity)
    }
    let calls = pass.branches.enumerated().map { row, branch in
      PendingCall(
        record: CallRecord(
          call: nextCall + row, step: pass.step, timestep: pass.timestep, branch: branch,
          phase: pass.phase, attempt: pass.attempt,
          measurement: branch == .conditional ? measurement : nil, checksums: [:]),
        chunks: filling.chunks(row: row))
    }
    nextCall += calls.count
    swap(&filling, &waiting)
    filling.clear()
    queue.async { [writer] in writer.perform { try writer.write(calls) } }
    if durability == .power { try flush() }
  }

  /// Has `work` done on the disk's thread once the passes before it are on disk.
  ///
  /// For what must never be ahead of the journal, such as the state a run resumes from. Its error
  /// is thrown by the next call that may throw.
  public func afterwards(_ work: @escaping @Sendable () throws -> Void) {
    queue.async { [writer] in writer.perform(work) }
  }

  /// Waits until every pass is on disk.
  /// - Throws: What went wrong meanwhile; from then on always the same.
  public func flush() throws {
    if let failure = queue.sync(execute: { [writer] in writer.failure }) { throw failure }
  }

  /// How many calls are acknowledged: on disk, and in the journal.
  public var acknowledgedCalls: Int { writer.acknowledged.load(ordering: .acquiring) }

  /// Ends the recording: the store's first axis becomes as long as the run is.
  /// - Throws: What went wrong here or before; the store can be read as it is.
  public func close() throws {
    queue.sync { [writer] in writer.perform { try writer.close() } }
    try flush()
  }
}
