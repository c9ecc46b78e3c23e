public import AttentionTrace
public import Diffusion
internal import Synchronization
internal import TensorEngine

/// Several runs, made one after the other or side by side, each what it is alone, to the byte.
public struct Batch: Sendable {
  /// Makes them.
  public let runner: Runner
  /// The runs, in the order in which they are begun.
  public let plans: [PlannedRun]
  /// Runs that are asked to be made at a time.
  public let atATime: Int

  /// A batch of planned runs.
  /// - Throws: ``EvaluationError/memory(size:needed:available:)`` when one of them does not fit.
  public init(_ runner: Runner, _ plans: [PlannedRun], atATime: Int = 1) throws {
    self.runner = runner
    self.plans = plans
    self.atATime = atATime
    guard let available = ResidentMemory.available() else { return }
    if let large = plans.first(where: { $0.workingMemory > available }) {
      throw EvaluationError.memory(
        size: large.size.description, needed: large.workingMemory, available: available)
    }
  }

  /// What recording all of them takes; `nil` if nothing is recorded.
  public var cost: RecordingCost? {
    let costs = plans.compactMap(\.cost)
    return costs.isEmpty ? nil : .total(costs)
  }

  /// What the run that needs most needs at least besides the weights, in bytes.
  public var workingMemory: Int { plans.map(\.workingMemory).max() ?? 0 }

  /// Iterations of all runs.
  public var iterations: Int { plans.reduce(0) { $0 + $1.timesteps.count } }

  /// Runs that memory allows for at a time, of those that were asked for.
  public var runsAtATime: Int {
    guard let available = ResidentMemory.available() else { return atATime }
    return min(atATime, max(1, available / max(1, 3 * workingMemory)))
  }

  /// Makes all runs below `root`; when one fails, the others stop where they can be resumed.
  ///
  /// - Parameter onEvent: is told what happens to which run; from several threads if runs are made side
  ///   by side.
  /// - Throws: the first error; `TraceError.doesNotFit` when the disk is too small for all of them.
  /// - Returns: the runs, in the order of ``plans``.
  @discardableResult
  public func run(
    in root: String,
    onEvent: @escaping @Sendable (PlannedRun, Runner.Event) throws -> Void = { _, _ in }
  ) throws -> [RecordedRun] {
    try cost?.check(fits: root)
    let failure = FirstError()
    var runner = runner
    runner.check = { [check = self.runner.check] in
      if failure.error != nil { throw CancellationError() }
      try check()
    }
    Parallel.sideBySide(plans.count, atATime: runsAtATime) { [runner] index in
      guard failure.error == nil else { return }
      do {
        try runner.run(plans[index], in: root) { try onEvent(plans[index], $0) }
        try runner.check()
      } catch {
        failure.note(error)
      }
    }
    if let error = failure.error { throw error }
    return try plans.map { try RecordedRun($0.folder(in: root).path) }
  }
}

/// The error that was thrown first by runs made side by side.
private final class FirstError: Sendable {
  private let first = Mutex<(any Error)?>(nil)

  var error: (any Error)? { first.withLock { $0 } }

  func note(_ error: any Error) { first.withLock { $0 = $0 ?? error } }
}
