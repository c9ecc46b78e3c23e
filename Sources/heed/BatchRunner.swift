import AttentionTrace
import Diffusion
import Foundation
import PromptText
import Synchronization
import TensorEngine

/// Makes the runs of a list of requests, after checking that they can be run and fit.
struct BatchRunner {
  let session: RunSession
  private let requests: [GenerationRequest]
  private let plan: RecordingPlan?
  private let cost: RecordingCost?
  /// How many runs are made at a time.
  private let batch: Int
  /// What a run needs at least besides the weights, in bytes.
  private let workingMemory: Int

  init(
    _ checkpoint: Checkpoint, _ requests: [GenerationRequest], _ table: TokenTable,
    batch: BatchOptions, recording: RecordingOptions, output: String
  ) throws {
    session = try RunSession(checkpoint, root: output, durability: recording.durability)
    let model = session.model
    plan = try recording.plan(table, grid: try model.grid(requests[0]))
    // Passes in which nothing is altered are made only for the recording of their loss.
    let looksAlways = plan?.phases.contains(.loss) ?? false
    self.requests = requests.map { request in
      var request = request
      request.method = .init(request.method.base.lookingAlways(looksAlways))
      return request
    }
    for request in requests { _ = try request.randomSource() }
    // Runs differ in method and seed alone, or in a knob that the method's name tells; a seed changes no
    // cost.
    let methods = Dictionary(grouping: self.requests, by: \.method.name).values
    for requests in methods { _ = try model.parts(requests[0]) }
    self.batch = batch.batch
    workingMemory = try methods.map { try model.workingMemory($0[0]) }.max() ?? 0
    try Self.checkMemory(workingMemory, model.size(requests[0]))
    if let plan {
      let sites = try model.sites(requests[0])
      try plan.validate(sites: sites, iterations: try model.timesteps(requests[0]).count)
      cost = .total(
        try methods.flatMap { requests in
          let passes = try model.possiblePasses(requests[0])
          return [RecordingCost](
            repeating: plan.cost(sites: sites, passes: passes), count: requests.count)
        })
    } else {
      cost = nil
    }
  }

  /// Refuses a size whose largest tensors alone do not fit into the memory there is.
  private static func checkMemory(_ needed: Int, _ size: ImageSize) throws {
    guard let available = ResidentMemory.available(), needed > available else { return }
    throw Failure(
      .usage,
      "a picture of \(size) needs \(formatBytes(needed)) of memory or more, and "
        + "\(formatBytes(available)) are available: choose a smaller --size")
  }

  /// The manifest of the first run as it would be without what is taken out of it; `nil` where
  /// nothing is.
  func unablated() throws -> RunManifest? {
    guard var request = requests.first, let method = request.method.base as? AblatedMethod else {
      return nil
    }
    request.method = method.base
    return try session.manifest(request, plan: plan)
  }

  /// As many runs at a time as were asked for, or fewer if memory would not do for them.
  private var runsAtATime: Int {
    guard let available = ResidentMemory.available() else { return batch }
    let fitting = max(1, available / max(1, 3 * workingMemory))
    if fitting < min(batch, requests.count, Parallel.threads) {
      Message.warning("memory allows for \(fitting) of \(batch) runs at a time")
    }
    return min(batch, fitting)
  }

  func run() throws {
    try cost?.check(fits: session.root)
    Interrupt.watch()
    let iterations = try session.model.timesteps(requests[0]).count
    let progress = Progress(total: iterations * requests.count)
    let failure = Mutex<(any Error)?>(nil)
    Parallel.sideBySide(requests.count, atATime: runsAtATime) { index in
      guard failure.withLock({ $0 == nil }) else { return }
      do {
        try session.run(requests[index], plan: plan, progress: progress)
        try Interrupt.check()
      } catch {
        failure.withLock { $0 = $0 ?? error }
        Interrupt.stopAll()
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// The dry run's answer.
  func printCost() throws {
    guard let cost else { return print("nothing would be recorded") }
    let free = try RecordingCost.freeDisk(at: session.root)
    let runs = min(batch, requests.count, Parallel.threads)
    let queries = cost.queryBytes > 0 ? ", of which queries \(formatBytes(cost.queryBytes))" : ""
    print(
      """
      runs            \(requests.count)
      calls           at most \(cost.calls), of which recorded \(cost.recordedCalls)
      disk            at most \(formatBytes(cost.bytesOnDisk))\(queries)
      memory          \(formatBytes(runs * cost.memory)) for recording, \
      \(formatBytes(runs * workingMemory)) or more for pictures
      free disk       \(formatBytes(free))
      """)
    try cost.check(fits: session.root)
  }
}
