private import CKernels
private import Dispatch
private import Foundation
private import Synchronization

/// The threads that work beside those that ask for it.
///
/// A pass asks some thousand times, for a fraction of a millisecond each. A thread that sleeps takes
/// longer to wake than many of these take, so threads that have nothing to do, and a caller whose
/// helpers have not ended, look for a moment before they sleep, as those of OpenMP do. (A UNet pass of
/// Stable Diffusion 1.4 on two cores was 2 % longer by `DispatchQueue.concurrentPerform`, which also
/// gives calls within calls only a share of the threads.)
///
/// A call never waits for a thread that has not begun: the caller does what no other does.
final class ThreadPool: Sendable {
  static let shared = ThreadPool()

  /// How long a thread looks for work, or for its helpers' end, before it sleeps.
  private static let patience = Duration.microseconds(100)

  /// A call that threads can still join.
  private final class Call: @unchecked Sendable {
    /// `nil` when the caller has returned: the closure must not outlive that.
    var body: (() -> Void)?
    /// Threads that work for it besides the caller; written to with the pool's lock held.
    let helpers = Atomic(0)
    /// Threads that may still join; what is below is read and written with the pool's lock held.
    var seats: Int
    /// What the caller sleeps on, if it does.
    var end: DispatchSemaphore?

    init(_ seats: Int, _ body: @escaping () -> Void) { (self.seats, self.body) = (seats, body) }

    /// Not inlined: when it returns, the thread holds on to the closure no more.
    @inline(never)
    func run() { body?() }
  }

  private struct State {
    /// Calls with free seats; the last begun is joined first, for what it is part of waits for it.
    var open: [Call] = []
    /// Threads that were made.
    var threads = 0
    /// Threads that sleep, or were made and have not yet looked for work.
    var sleeping = 0
  }

  private let state = Mutex(State())
  /// How many calls are open: what threads look at without the lock.
  private let open = Atomic(0)
  private let wake = DispatchSemaphore(value: 0)

  /// Calls `body` once on the calling thread and at most once on each of up to `width` - 1 others, and
  /// returns when none is in it any more.
  func run(on width: Int, _ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
      let call = Call(width - 1, body)
      let (woken, made) = state.withLock { state in
        let made = max(0, width - 1 - state.threads)
        state.threads += made
        state.open.append(call)
        open.add(1, ordering: .releasing)
        let woken = min(call.seats - made, state.sleeping)
        state.sleeping -= woken
        return (woken, made)
      }
      for _ in 0..<woken { wake.signal() }
      for _ in 0..<made {
        Thread.detachNewThread { [self] in
          // Signals are for the threads that the program knows.
          var all = sigset_t()
          unsafe sigfillset(&all)
          unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
          while true { help(next()) }
        }
      }
      call.run()
      wait(for: call)
      call.body = nil
    }
  }

  /// Closes a call, and returns when no thread works for it.
  private func wait(for call: Call) {
    state.withLock { close(call, &$0) }
    Self.look(until: { call.helpers.load(ordering: .acquiring) == 0 })
    let end: DispatchSemaphore? = state.withLock { _ in
      guard call.helpers.load(ordering: .acquiring) > 0 else { return nil }
      call.end = DispatchSemaphore(value: 0)
      return call.end
    }
    end?.wait()
  }

  private func close(_ call: Call, _ state: inout State) {
    guard let index = state.open.lastIndex(where: { $0 === call }) else { return }
    state.open.remove(at: index)
    open.subtract(1, ordering: .relaxed)
  }

  /// The call to work for next; the thread sleeps until there is one.
  private func next() -> Call {
    while true {
      Self.look(until: { open.load(ordering: .acquiring) > 0 })
      let call: Call? = state.withLock { state in
        guard let call = state.open.last else {
          state.sleeping += 1
          return nil
        }
        call.helpers.add(1, ordering: .relaxed)
        call.seats -= 1
        if call.seats == 0 { close(call, &state) }
        return call
      }
      if let call { return call }
      wake.wait()
    }
  }

  private func help(_ call: Call) {
    call.run()
    state.withLock { _ in
      if call.helpers.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
        call.end?.signal()
      }
    }
  }

  /// Returns when `isThere` holds, or after a moment.
  private static func look(until isThere: () -> Bool) {
    if isThere() { return }
    let end = ContinuousClock.now + patience
    repeat {
      for _ in 0..<32 {
        if isThere() { return }
        ck_pause()
      }
    } while ContinuousClock.now < end
  }
}
