private import Dispatch
private import Synchronization

/// The only place that uses threads.
///
/// Work is cut by the problem's size and not by the number of threads, so a result does not depend
/// on how many there are.
package enum Parallel {
  /// Threads that work at a time; see ``Engine/threads``.
  package static var threads: Int { Engine.threads }

  /// Calls `body` once for each index below `count`, several at a time, in no order.
  ///
  /// `body` may write through pointers, each index to memory of its own.
  package static func forEach(_ count: Int, _ body: (Int) -> Void) {
    perform(count, atATime: threads / jobs, body)
  }

  /// How many jobs are done beside the one that the calling thread works for, itself included: each
  /// has its share of the threads.
  @TaskLocal private static var jobs = 1

  /// Calls `job` once for each index below `count`, at most `limit` at a time and no more than there
  /// are threads, beginning them in order.
  ///
  /// A job may itself use the functions here, but not this one.
  package static func sideBySide(_ count: Int, atATime limit: Int, _ job: (Int) -> Void) {
    let width = max(1, min(limit, threads, count))
    $jobs.withValue(width) { perform(count, atATime: width, job) }
  }

  private static func perform(_ count: Int, atATime width: Int, _ body: (Int) -> Void) {
    if count <= 1 || width <= 1 {
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let work = Work(count, body)
      let jobs = jobs
      DispatchQueue.concurrentPerform(iterations: min(width, count)) { _ in
        $jobs.withValue(jobs) { work.run() }
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
