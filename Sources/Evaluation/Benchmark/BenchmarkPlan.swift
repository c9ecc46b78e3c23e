package import AttentionTrace
internal import Diffusion

/// The runs of a benchmark, or of one of its shards.
package struct BenchmarkPlan: Sendable {
  /// One run.
  package struct Run: Hashable, Sendable {
    /// Which of the orders it belongs to.
    let order: Int
    /// Which of its order's plans it follows.
    let plan: Int
    package let seed: UInt64
  }

  /// The runs of each prompt of the suite.
  package let orders: [RunOrder]
  /// What is to be made, those of a prompt together, in the order of the suite.
  package private(set) var runs: [Run]
  /// The bytes of those that were begun; 0 where nobody looked.
  private var bytesThere = 0

  /// The runs of `shard` of all that `orders` name.
  /// - Parameter orders: of each prompt, whose plans have the prompt's folder.
  package init(_ orders: [RunOrder], shard: Shard) {
    let all = orders.indices.flatMap { order in
      orders[order].seeds.flatMap { seed in
        orders[order].plans.indices.map { Run(order: order, plan: $0, seed: seed) }
      }
    }
    self.orders = orders
    runs = shard.items(of: all) { run in
      let plan = orders[run.order].plans[run.plan]
      return "\(plan.methodName)/\(plan.promptFolder ?? "")/\(run.seed)"
    }
  }

  /// Iterations of all runs.
  package var iterations: Int { counted.reduce(0) { $0 + $1.count * $1.plan.timesteps.count } }

  /// What recording all runs takes; `nil` if nothing is recorded.
  package var cost: RecordingCost? {
    let costs = counted.compactMap { plan, count in
      plan.cost.map { RecordingCost.total([$0], times: count) }
    }
    guard !costs.isEmpty else { return nil }
    let total = RecordingCost.total(costs)
    return total.adding(bytes: -min(bytesThere, total.bytesOnDisk))
  }

  /// Without the runs that are complete below `root`; what others have on disk already costs nothing.
  package func remaining(in root: String) -> BenchmarkPlan {
    var left = self
    func folder(_ run: Run) -> RunFolder {
      orders[run.order].plans[run.plan].folder(in: root, seed: run.seed)
    }
    left.runs.removeAll { folder($0).isComplete }
    left.bytesThere = left.runs.reduce(0) { $0 + folder($1).bytes }
    return left
  }

  /// Refuses a plan that the disk below `root` is too small for.
  /// - Throws: `TraceError.doesNotFit`, or `TraceError.system` if the disk cannot be asked.
  package func checkDisk(in root: String) throws {
    do { try cost?.check(fits: root) } catch TraceError.doesNotFit {
      // Only where they are needed are the runs that are there looked at.
      try remaining(in: root).cost?.check(fits: root)
    }
  }

  /// Passes of the UNet by kind: the fewest and the most that the runs can make.
  package var passes: (predictions: Int, fewestLooks: Int, mostLooks: Int) {
    var sum = (0, 0, 0)
    for (plan, count) in counted {
      let looks = plan.passes.filter { $0.phase != .denoise }
      sum.0 += count * plan.passes.reduce(0) { $0 + ($1.phase == .denoise ? $1.branches.count : 0) }
      sum.1 += count * looks.count { $0.phase == .loss }
      sum.2 += count * looks.count
    }
    return sum
  }

  /// The plans that are followed, each with the number of its runs: seeds do not change what a run takes.
  private var counted: [(plan: PlannedRun, count: Int)] {
    struct Place: Hashable { let order, plan: Int }
    let counts = Dictionary(grouping: runs) { Place(order: $0.order, plan: $0.plan) }
    return counts.map { (orders[$0.order].plans[$0.plan], $1.count) }
  }

  /// The batches, one a prompt, in the order in which they are made.
  /// - Throws: `DiffusionError`, ``EvaluationError/memory(size:needed:limit:total:)``.
  package func batches(_ runner: Runner, atATime: Int?) throws -> [Batch] {
    try Dictionary(grouping: runs, by: \.order).sorted { $0.key < $1.key }.map { order, runs in
      let plans = try runs.map { try orders[order].plans[$0.plan].seeded($0.seed) }
      return try Batch(runner, plans, atATime: atATime)
    }
  }
}
