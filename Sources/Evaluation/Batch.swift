public import AttentionTrace
public import Diffusion
internal import Synchronization
internal import TensorEngine

/// Several runs, made one after the other or side by side; the results are the same to the byte.
///
/// A batch of plans and seeds makes every plan from every seed, seeds first.
public struct Batch: Sendable {
  /// Makes the runs.
  public let runner: Runner
  /// The plans, each for the first of the seeds.
  public let plans: [PlannedRun]
  /// The seeds of every plan; `nil` where each plan has its own.
  public let seeds: [UInt64]?
  /// How many runs to make at a time, if memory allows.
  package let atATime: Int
  /// Runs that memory allows for at a time, of those that were asked for.
  package let runsAtATime: Int

  /// The working memory up to which runs are made side by side unless told otherwise, in bytes: passes
  /// of pictures so small keep no more than one thread busy, while larger ones are as fast one by one.
  private static let smallRun = 64 << 20

  /// A batch of planned runs.
  ///
  /// - Parameters:
  ///   - runner: makes the runs.
  ///   - plans: what is made.
  ///   - seeds: from which seeds every plan is made; `nil` for each plan's own.
  ///   - atATime: runs to make at a time, as far as memory allows; `nil` for one on each thread where
  ///     pictures are small, and else for one.
  /// - Throws: ``EvaluationError/memory(size:needed:limit:total:)`` when one of them does not fit;
  ///   `DiffusionError` for a seed that the random source does not take.
  public init(
    _ runner: Runner, _ plans: [PlannedRun], seeds: [UInt64]? = nil, atATime: Int? = nil
  ) throws {
    self.runner = runner
    self.plans = plans
    self.seeds = seeds
    let isSmall = plans.allSatisfy { $0.workingMemory <= Self.smallRun }
    self.atATime = atATime ?? (isSmall ? Engine.threads : 1)
    for plan in plans { try plan.request.requireSeeds(seeds ?? [plan.request.seed]) }
    let limits = MemoryLimit.all()
    for plan in plans {
      guard let (limit, needed) = MemoryNeed(plan, count: 1).exceeded(of: limits) else { continue }
      throw EvaluationError.memory(
        size: plan.size.description, needed: needed, limit: limit.name, total: limit.total)
    }
    let most = min(self.atATime, plans.count * (seeds?.count ?? 1), Engine.threads)
    runsAtATime =
      (1...max(1, most)).last { runs in
        plans.allSatisfy { MemoryNeed($0, count: runs).exceeded(of: limits) == nil }
      } ?? 1
  }

  /// How many runs there are.
  public var count: Int { plans.count * (seeds?.count ?? 1) }

  /// What recording all of them takes; `nil` if nothing is recorded.
  package var cost: RecordingCost? {
    cost(RecordingCost.total(plans.compactMap(\.cost), times: seeds?.count ?? 1))
  }

  /// What recording takes with what packing needs for a while; `nil` if nothing is recorded.
  private func cost(_ total: RecordingCost) -> RecordingCost? {
    guard let largest = plans.compactMap(\.cost?.bytesOnDisk).max() else { return nil }
    guard runner.packs else { return total }
    let twice = largest.multipliedReportingOverflow(by: min(runsAtATime, count))
    return total.adding(bytes: twice.overflow ? .max : twice.partialValue)
  }

  /// Refuses runs that the disk below `root` is too small for, of which those that are complete take
  /// nothing more, and those that were begun what they do not have yet.
  /// - Throws: `TraceError.doesNotFit`, or `TraceError.system` if the disk cannot be asked.
  package func checkDisk(in root: String) throws {
    guard let cost else { return }
    do { try cost.check(fits: root) } catch TraceError.doesNotFit {
      // Only where they are needed are the runs that are there looked at.
      let folders = (0..<count).map { folder($0, in: root) }
      let left = folders.indices.filter { !folders[$0].isComplete }
      guard !left.isEmpty else { return }
      let total = RecordingCost.total(left.compactMap { plans[$0 % plans.count].cost })
      let there = left.reduce(0) { $0 + folders[$1].bytes }
      try self.cost(total.adding(bytes: -min(there, total.bytesOnDisk)))?.check(fits: root)
    }
  }

  /// A lower bound on the memory of the largest run without the weights, in bytes.
  package var workingMemory: Int { plans.map(\.workingMemory).max() ?? 0 }

  /// What the runs that are made at a time take besides the model's files, at most by experience, in bytes.
  package var memory: Int {
    plans.map { MemoryNeed($0, count: min(runsAtATime, count)).resident }.max() ?? 0
  }

  /// Iterations of all runs.
  package var iterations: Int {
    plans.reduce(0) { $0 + $1.timesteps.count } * (seeds?.count ?? 1)
  }

  /// The runs in the order in which they are begun.
  ///
  /// Of those made side by side, the ones that may make the most passes are first: none is left alone for
  /// long at the end.
  private var order: [Int] {
    guard runsAtATime > 1 else { return Array(0..<count) }
    let passes = plans.map(\.passes.count)
    return (0..<count).sorted {
      let (one, other) = (passes[$0 % plans.count], passes[$1 % plans.count])
      return one == other ? $0 < $1 : one > other
    }
  }

  /// The folder of a run below `root`; seeds first.
  private func folder(_ index: Int, in root: String) -> RunFolder {
    let plan = plans[index % plans.count]
    return plan.folder(in: root, seed: seeds.map { $0[index / plans.count] } ?? plan.request.seed)
  }

  /// Makes all runs below `root`; when one fails, the others stop where they can be resumed.
  ///
  /// A run that another process is making has its turn again after all others: two processes with the same runs
  /// share them.
  ///
  /// - Parameters:
  ///   - root: the folder that holds the runs' folders.
  ///   - onEvent: is told what happens to which run; from several threads if runs are made side by side.
  /// - Throws: the first error; `TraceError.doesNotFit` when the disk is too small for all of them.
  /// - Returns: the runs, those of the first seed first.
  @discardableResult
  public func run(
    in root: String,
    onEvent: @escaping @Sendable (PlannedRun, Runner.Event) throws -> Void = { _, _ in }
  ) throws -> [RecordedRun] {
    try checkDisk(in: root)
    let failure = FirstError()
    var runner = runner
    runner.check = { [check = self.runner.check] in
      if failure.error != nil { throw CancellationError() }
      try check()
    }
    var rest = order
    for isLast in [false, true] where !rest.isEmpty {
      let held = Mutex<[Int]>([])
      Parallel.sideBySide(rest.count, atATime: runsAtATime) { [runner, rest] place in
        guard failure.error == nil else { return }
        do {
          let plan = plans[rest[place] % plans.count]
          let seeded = try seeds.map { try plan.seeded($0[rest[place] / plans.count]) } ?? plan
          try runner.run(seeded, in: root) { try onEvent(seeded, $0) }
          try runner.check()
        } catch let error as TraceError where error.isOfAnotherWriter && !isLast {
          held.withLock { $0.append(rest[place]) }
        } catch {
          failure.note(error)
        }
      }
      rest = held.withLock { $0 }
    }
    if let error = failure.error { throw error }
    return try (0..<count).map { try RecordedRun(folder($0, in: root).path) }
  }
}

/// The error that was thrown first by runs made side by side.
private final class FirstError: Sendable {
  private let first = Mutex<(any Error)?>(nil)

  var error: (any Error)? { first.withLock { $0 } }

  func note(_ error: any Error) { first.withLock { $0 = $0 ?? error } }
}
