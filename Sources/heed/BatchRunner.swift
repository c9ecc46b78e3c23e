import AttentionTrace
import Diffusion
import Foundation

/// Runs a list of requests one after the other, after checking that they can be run and fit.
struct BatchRunner {
  let session: RunSession
  private let requests: [GenerationRequest]
  private let plan: RecordingPlan?
  private let cost: RecordingCost?

  init(
    _ checkpoint: Checkpoint, _ requests: [GenerationRequest], _ table: TokenTable,
    recording: RecordingOptions, output: String
  ) throws {
    session = try RunSession(checkpoint, root: output, durability: recording.durability)
    let model = session.model
    plan = try recording.plan(table, grid: try model.grid(requests[0]))
    // Passes in which nothing is altered are made only for the recording of their loss.
    let looksAlways = plan?.phases.contains(.loss) ?? false
    self.requests = requests.map { request in
      guard case .attendAndExcite(var settings) = request.method else { return request }
      settings.looksAlways = looksAlways
      var request = request
      request.method = .attendAndExcite(settings)
      return request
    }
    for request in requests { _ = try request.randomSource() }
    // Runs differ in method and seed alone, and a seed changes no cost.
    let methods = Dictionary(grouping: self.requests, by: \.method.name).values
    for requests in methods { _ = try model.objective(requests[0]) }
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

  func run() throws {
    try cost?.check(fits: session.root)
    Interrupt.watch()
    let iterations = try session.model.timesteps(requests[0]).count
    let progress = Progress(total: iterations * requests.count)
    for request in requests {
      try session.run(request, plan: plan, progress: progress)
      try Interrupt.check()
    }
  }

  /// The dry run's answer.
  func printCost() throws {
    guard let cost else { return print("nothing would be recorded") }
    let free = try RecordingCost.freeDisk(at: session.root)
    print(
      """
      runs            \(requests.count)
      calls           at most \(cost.calls), of which recorded \(cost.recordedCalls)
      disk            at most \(formatBytes(cost.bytesOnDisk))
      memory          \(formatBytes(cost.memory)) for recording
      free disk       \(formatBytes(free))
      """)
    try cost.check(fits: session.root)
  }
}
