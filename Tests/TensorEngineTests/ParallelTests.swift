import Synchronization
import TensorEngine
import Testing

@Suite("Work on several threads")
struct ParallelTests {
  /// How many are at work, and the most that were.
  private final class Crowd: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock(\.most) }

    /// Waits until `size` are at work or some seconds have passed.
    func meet(_ size: Int) {
      counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      let deadline = ContinuousClock.now + .seconds(5)
      while most < size, ContinuousClock.now < deadline {}
      counts.withLock { $0.now -= 1 }
    }
  }

  @Test("does each job once, and no more at a time than allowed", arguments: [1, 2, 3, 40])
  func jobs(limit: Int) {
    let done = Mutex([Int](repeating: 0, count: 20))
    let running = Mutex((now: 0, most: 0))
    Parallel.sideBySide(20, atATime: limit) { job in
      running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      Parallel.forEach(3) { _ in done.withLock { $0[job] += 1 } }
      running.withLock { $0.now -= 1 }
    }
    #expect(done.withLock { $0 } == [Int](repeating: 3, count: 20))
    #expect(running.withLock(\.most) <= min(limit, Engine.threads))
  }

  @Test("gives the last job the threads of those that ended", .enabled(if: Engine.threads > 1))
  func lastJob() {
    let ended = Atomic(0)
    let crowd = Crowd()
    Parallel.sideBySide(2, atATime: 2) { job in
      guard job == 1 else { return ended.store(1, ordering: .sequentiallyConsistent) }
      while ended.load(ordering: .sequentiallyConsistent) == 0 {}
      // The thread that ended has yet to say so.
      for _ in 0..<1000 where crowd.most < 2 { Parallel.forEach(2) { _ in crowd.meet(2) } }
    }
    #expect(crowd.most == 2)
  }

  @Test(
    "counts work of two threads as not alone, cut up further or not",
    .enabled(if: Engine.threads > 1))
  func alone() {
    func work() {
      let end = ContinuousClock.now + .milliseconds(100)
      while ContinuousClock.now < end {}
    }
    let single = Parallel.shareAlone { work() }.share
    #expect(single == 1)
    /// The least of several: where tests beside this one have all cores, the second thread comes late.
    func least(_ body: () -> Void) -> Double {
      var least = 1.0
      for _ in 0..<50 where least >= 0.8 { least = min(least, Parallel.shareAlone(body).share) }
      return least
    }
    let together = least { Parallel.forEach(2) { _ in Parallel.forEach(1) { _ in work() } } }
    #expect(together < 0.8)
    let nested = least {
      Parallel.forEach(2) { _ in
        Parallel.forEach(2) { _ in }
        work()
      }
    }
    #expect(nested < 0.8)
  }
}
