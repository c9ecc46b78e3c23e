import Evaluation
import Foundation
import Synchronization

/// Tells how far a long job is: on a terminal in one line that is drawn again and again.
///
/// Elsewhere each finished part prints one plain line, as logs need. Jobs that run side by side share
/// one progress.
final class Progress: Sendable {
  private struct State {
    var done = 0
    var drawn: ContinuousClock.Instant?
    var hasNoted = false
  }

  private let total: Int
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  /// - Parameter total: steps of the whole job.
  init(total: Int) {
    self.total = total
    start = clock.now
  }

  /// Tells of one more step, at most ten times a second.
  func advance(_ part: String, loss: Float?, preview: String? = nil) {
    advance(1, part, loss: loss, preview: preview)
  }

  /// Tells of several steps that were made together.
  func advance(_ steps: Int, _ part: String, loss: Float? = nil, preview: String? = nil) {
    state.withLock { state in
      state.done += steps
      guard isTerminal else { return }
      let now = clock.now
      if let drawn = state.drawn, now - drawn < .milliseconds(100) { return }
      state.drawn = now
      let text = ProgressText(
        part, done: state.done, of: total, seconds: (now - start) / .seconds(1), loss: loss,
        preview: preview)
      StatusLine.draw(text.line)
    }
  }

  /// Counts steps as done that need not be run.
  func skip(_ steps: Int) { state.withLock { $0.done += steps } }

  /// Tells what holds for all parts, when the first of them says so.
  func noteOnce(_ text: String) {
    state.withLock { state in
      if !state.hasNoted { Message.note(text) }
      state.hasNoted = true
    }
  }

  /// Tells of a finished part.
  func finish(_ part: String) { state.withLock { _ in Message.line(part) } }
}
