private import Dispatch
private import Synchronization

/// The only place that uses threads.
///
/// Whatever depends on how work is cut is cut by the problem's size and not by the number of threads, so a result does
/// not depend on how many there are.
package enum Parallel {
  /// Threads that work at a time; see ``Engine/threads``.
  package static var threads: Int { Engine.threads }

  /// The share of the threads that the job of the calling thread has.
  static var share: Int { max(1, threads / (jobs?.running ?? 1)) }

  /// Parts into which work is cut that costs more in parts: none for a thread alone, several for each of some, of which
  /// the last ones to end keep the others waiting for no longer than a part takes.
  static var parts: Int { share == 1 ? 1 : 8 * share }

  /// Calls `body` once for each index below `count`, several at a time, in no order.
  ///
  /// `body` may write through pointers, each index to memory of its own.
  package static func forEach(_ count: Int, _ body: (Int) -> Void) {
    perform(count, atATime: share, body)
  }

  /// The jobs that are done beside the one that the calling thread works for, itself included: each
  /// has its share of the threads.
  @TaskLocal private static var jobs: Jobs?

  /// Calls `job` once for each index below `count`, at most `limit` at a time and no more than there
  /// are threads, beginning them in order.
  ///
  /// A job may itself use the functions here, but not this one. When no job is left to begin, those
  /// that still run share the threads of those that ended.
  package static func sideBySide(_ count: Int, atATime limit: Int, _ job: (Int) -> Void) {
    let width = max(1, min(limit, threads, count))
    let jobs = Jobs(width)
    withoutActuallyEscaping(job) { job in
      let work = Work(count, job)
      let group = DispatchGroup()
      for _ in 1..<width {
        DispatchQueue.global().async(group: group) {
          $jobs.withValue(jobs) { work.run() }
          jobs.end()
        }
      }
      $jobs.withValue(jobs) { work.run() }
      jobs.end()
      group.wait()
    }
  }

  private static func perform(_ count: Int, atATime width: Int, _ body: (Int) -> Void) {
    if count <= 1 || width <= 1 {
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let work = Work(count, body)
      let (jobs, watch) = (jobs, watch)
      ThreadPool.shared.run(on: min(width, count)) {
        let begin = watch == nil ? nil : ContinuousClock.now
        // What a thread cuts up further counts as its own work.
        $watch.withValue(nil) { $jobs.withValue(jobs) { work.run() } }
        if let watch, let begin { watch.note(begin..<ContinuousClock.now) }
      }
      watch?.end()
    }
  }

  /// What notes when several threads worked; `nil` unless that is measured.
  @TaskLocal private static var watch: Watch?

  /// Calls `body`, whose work is not done side by side with other jobs, and gives the part of its wall
  /// time, 0…1, in which no more than one thread worked.
  package static func shareAlone<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, share: Double) {
    let watch = Watch()
    let start = ContinuousClock.now
    let result = try $watch.withValue(watch, operation: body)
    let whole = ContinuousClock.now - start
    return (result, max(0, 1 - watch.together / whole))
  }

  /// How long at least two threads worked.
  private final class Watch: Sendable {
    /// When threads worked in what is done in parallel now, and the time of all that was before.
    private let times = Mutex<(now: [Range<ContinuousClock.Instant>], together: Duration)>(
      ([], .zero))

    var together: Duration { times.withLock { $0.together } }

    func note(_ time: Range<ContinuousClock.Instant>) { times.withLock { $0.now.append(time) } }

    /// From the second thread's begin to the last but one's end, two work.
    func end() {
      times.withLock { times in
        let (begins, ends) = (
          times.now.map(\.lowerBound).sorted(), times.now.map(\.upperBound).sorted()
        )
        times.now = []
        guard begins.count > 1 else { return }
        times.together += max(.zero, ends[ends.count - 2] - begins[1])
      }
    }
  }

  /// Cuts `0..<count` into ranges of at most `grain` and calls `body` for each, several at a time.
  package static func ranges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    guard count > grain else {
      if count > 0 { body(0..<count) }
      return
    }
    forEach((count + grain - 1) / grain) { part in
      body(part * grain..<min(count, (part + 1) * grain))
    }
  }

  /// How many jobs run side by side.
  private final class Jobs: Sendable {
    private let count: Atomic<Int>

    init(_ count: Int) { self.count = Atomic(count) }

    var running: Int { max(1, count.load(ordering: .relaxed)) }

    func end() { count.subtract(1, ordering: .relaxed) }
  }

  /// Indices that threads take one by one, so that a slow thread holds up no other.
  ///
  /// `forEach` returns only when no thread runs the closure any more.
  private final class Work: @unchecked Sendable {
    private let next = Atomic(0)
    private let count: Int
    private let body: (Int) -> Void

    init(_ count: Int, _ body: @escaping (Int) -> Void) {
      self.count = count
      self.body = body
    }

    func run() {
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        body(index)
      }
    }
  }
}
