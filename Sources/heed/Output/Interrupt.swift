import Foundation
import Synchronization

/// Ctrl-C and termination: noted, and acted on between two passes of the model.
///
/// The first signal asks the run to stop where it can be resumed; a second one ends the process.
enum Interrupt {
  private static let received = Atomic<Int32>(0)

  static func watch() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        guard Interrupt.received.exchange(number, ordering: .relaxed) != 0 else { return }
        StatusLine.wipeInHandler()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  /// - Throws: ``Failure`` with code 130 once a signal has come.
  static func check(_ what: String = "the same command resumes") throws {
    guard received.load(ordering: .relaxed) != 0 else { return }
    throw Failure(.interrupted, "interrupted; \(what)")
  }
}
