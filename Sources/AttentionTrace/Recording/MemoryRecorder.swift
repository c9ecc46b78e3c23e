public import PromptText
internal import TensorEngine

// Unsafe: lent values are copied row by row, after their count is checked.

/// Records attention in memory by a plan, without a folder.
///
/// Calls are numbered as they are observed, so that calls of which the plan keeps nothing have no
/// number. A map takes as much memory as it would take on disk. Use a recorder from one thread.
public final class MemoryRecorder: AttentionObserver {
  private let plan: RecordingPlan
  private let arrays: [RecordedArray]
  /// Positions in `arrays` by the site's path.
  private let indices: [String: Int]
  private var made: MemoryRecording
  private var current: (pass: AttentionPass, buffer: PassBuffer, seen: Set<Int>)?

  /// An empty recording.
  /// - Parameters:
  ///   - plan: What is kept; queries are not.
  ///   - sites: The model's attention layers.
  ///   - prompt: The prompt's tokens as the model reads them.
  ///   - negative: The negative prompt's, the keys of the unconditional branch; `nil` without guidance.
  ///   - lossGrid: The grid that the method's loss reads, which recipes may name `loss-grid`.
  ///   - lossStopsAtEnd: Whether that loss leaves out the end token and all after it.
  /// - Throws: `TraceError` when a pattern or an index of the plan is not in the model.
  public init(
    _ plan: RecordingPlan, sites: [AttentionSite], prompt: TokenTable,
    negative: TokenTable? = nil, lossGrid: Grid,
    lossStopsAtEnd: Bool = false
  ) throws {
    try plan.validate(sites: sites, iterations: plan.steps.map { $0.upperBound + 1 } ?? 1)
    self.plan = plan
    let recorded = sites.compactMap { plan.recorded($0) }
    arrays = recorded.map(RecordedArray.maps)
    indices = Dictionary(
      arrays.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    made = MemoryRecording(
      plan: plan, sites: recorded, prompt: prompt, negative: negative, lossGrid: lossGrid,
      lossStopsAtEnd: lossStopsAtEnd)
  }

  /// Whether the plan keeps probabilities of `site` in `pass`.
  public func wants(
    _ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass
  ) -> Bool {
    point == .probabilities && indices[site.path] != nil && plan.keeps(pass)
  }

  /// Copies what the plan keeps of `values`.
  public func observe(
    _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass
  ) {
    guard point == .probabilities, let index = indices[site.path] else { return }
    let perBranch = site.count(at: point)
    guard site == arrays[index].site, values.count == pass.branches.count * perBranch else {
      bug("\(values.count) values of \(pass.branches.count) branches at \(site)")
    }
    if current?.pass != pass || current?.seen.contains(index) == true { endPass() }
    let buffer = current?.buffer ?? PassBuffer(arrays: arrays, precision: plan.precision)
    current = (pass, buffer, (current?.seen ?? []).union([index]))
    unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      for (row, branch) in pass.branches.enumerated() where plan.branches.contains(branch) {
        unsafe buffer.fill(array: index, row: row, from: base + row * perBranch)
      }
    }
  }

  /// What has been kept so far; ask between two passes.
  public var recording: MemoryRecording {
    endPass()
    return made
  }

  private func endPass() {
    guard let (pass, buffer, _) = current else { return }
    current = nil
    for (row, branch) in pass.branches.enumerated() {
      made.append(
        CallRecord(
          call: made.calls.count, step: pass.step, timestep: pass.timestep, branch: branch,
          phase: pass.phase, attempt: pass.attempt, measurement: nil, checksums: [:]),
        chunks: buffer.chunks(row: row))
    }
  }
}
