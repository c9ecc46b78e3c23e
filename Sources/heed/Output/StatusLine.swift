import Foundation
import Synchronization

// Unsafe: the bytes of a constant are written.

/// The line of a terminal that tells how far a job is; messages take its place.
///
/// The cursor waits at its beginning, so that an echoed `^C` breaks no line, and what takes its place
/// starts in column 1 even where a narrower terminal has broken it.
enum StatusLine {
  /// Removes all from the cursor's line on.
  private static let wipe: StaticString = "\r\u{1B}[J"
  private static let isDrawn = Atomic<Bool>(false)
  /// Held while something is written, so that a message never lands within the line.
  private static let turn = Mutex<Void>(())

  /// Draws the line, in place of the one that stands.
  /// - Parameter text: the line in at most so many columns.
  static func draw(_ text: (Int) -> String) {
    turn.withLock { _ in
      isDrawn.store(true, ordering: .relaxed)
      // In the last column a terminal may begin a new line.
      Message.write("\(wipe)\(text((TerminalWidth.columns(of: STDERR_FILENO) ?? 80) - 1))\r")
    }
  }

  /// Writes `text` in place of the line that stands.
  static func write(_ text: String) {
    turn.withLock { _ in
      let wasDrawn = isDrawn.exchange(false, ordering: .relaxed)
      Message.write(wasDrawn ? "\(wipe)\(text)" : text)
    }
  }

  /// Removes the line before a signal ends the process; what is called here is safe in a handler.
  static func wipeInHandler() {
    guard isDrawn.load(ordering: .relaxed) else { return }
    _ = unsafe Foundation.write(STDERR_FILENO, wipe.utf8Start, wipe.utf8CodeUnitCount)
  }
}
