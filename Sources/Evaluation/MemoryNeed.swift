internal import AttentionTrace
internal import Diffusion
internal import TensorEngine

/// What runs made side by side take of memory: more than is counted, by experience.
struct MemoryNeed: Equatable {
  /// Bytes that they keep resident, besides the weights' files, whose pages the system can drop.
  let resident: Int
  /// Bytes of the addresses that they map: what is resident, and the stacks of threads.
  let addresses: Int

  /// What a thread takes for its own, in bytes.
  private static let thread = 8 << 20

  /// What `count` runs like `plan` take.
  ///
  /// A pass takes up to two and a quarter times the tensors that must exist at one time, as was measured with
  /// models of 14 MB and 2 GB.
  init(_ plan: PlannedRun, count: Int) {
    func bounded(_ value: Double) -> Int { Int(min(value, 1e18)) }
    let run = 2.25 * Double(plan.workingMemory) + Double(plan.cost?.memory ?? 0)
    let threads = max(count, Engine.threads)
    resident = bounded(Double(count) * run + Double((threads + 1) * Self.thread))
    // Each run has a thread that writes; one more waits for signals.
    let stacks = (threads + 2 * count + 1) * MemoryLimit.stack
    addresses = bounded(Double(resident) + Double(stacks))
  }

  /// The first limit that leaves less than this; `nil` where every one leaves enough.
  func exceeded(of limits: [MemoryLimit]) -> (limit: MemoryLimit, needed: Int)? {
    for limit in limits {
      let more = limit.measure == .resident ? resident : addresses
      guard more > limit.left else { continue }
      let (sum, overflows) = (limit.total - limit.left).addingReportingOverflow(more)
      return (limit, overflows ? .max : sum)
    }
    return nil
  }
}
