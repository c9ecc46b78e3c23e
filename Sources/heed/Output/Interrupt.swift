import Foundation
import Synchronization

/// Ctrl-C and termination: noted, and acted on between two passes of the model.
///
/// The first signal asks the run to stop where it can be resumed; a second one ends the process.
enum Interrupt {
  private static let received = Atomic<Int32>(0)
  /// Whether a scheduler's signals end the process with the code that asks to be run again.
  private static let isRequeued = Atomic(false)

  /// - Parameter requeueing: whether SIGTERM and SIGUSR1 are a scheduler's, which runs the same command
  ///   again.
  static func watch(requeueing: Bool = false) {
    isRequeued.store(requeueing, ordering: .relaxed)
    for number in [SIGINT, SIGTERM, SIGHUP] + (requeueing ? [SIGUSR1] : []) {
      signal(number) { number in
        guard Interrupt.received.exchange(number, ordering: .relaxed) != 0 else { return }
        StatusLine.wipeInHandler()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  /// - Throws: ``Failure`` with code 130 once a signal has come, or with 75 for a scheduler's.
  static func check(_ what: String = "the same command resumes") throws {
    let number = received.load(ordering: .relaxed)
    guard number != 0 else { return }
    let isScheduler = isRequeued.load(ordering: .relaxed) && [SIGTERM, SIGUSR1].contains(number)
    throw Failure(isScheduler ? .toBeResumed : .interrupted, "interrupted; \(what)")
  }
}
