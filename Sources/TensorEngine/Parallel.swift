private import COpenBLAS
private import Dispatch
private import Foundation

/// The only place that uses threads.
///
/// OpenBLAS runs single-threaded under it: its pool and ours must not multiply. Work is cut by the
/// problem's size and not by the number of threads, so a result does not depend on who computed it.
package enum Parallel {
  /// Threads that work at a time; at least 1.
  package static let threads: Int = {
    openblas_set_num_threads(1)
    let process = ProcessInfo.processInfo
    let asked = process.environment["HEED_THREADS"].flatMap { Int($0) }
    return max(1, asked ?? process.activeProcessorCount)
  }()

  /// Calls `body` once for each index below `count`, several at a time, in no order.
  ///
  /// `body` may write through pointers, each index to memory of its own.
  package static func forEach(_ count: Int, _ body: (Int) -> Void) {
    if count <= 1 || threads == 1 {
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let shared = Shared(body)
      let workers = min(threads, count)
      // Each worker takes every n-th index: the indices cost the same, and no lock is needed.
      DispatchQueue.concurrentPerform(iterations: workers) { worker in
        var index = worker
        while index < count {
          shared.body(index)
          index += workers
        }
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

  /// A closure handed to other threads; `forEach` returns only when none of them runs it any more.
  private struct Shared: @unchecked Sendable {
    let body: (Int) -> Void
    init(_ body: @escaping (Int) -> Void) { self.body = body }
  }
}
