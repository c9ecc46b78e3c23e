import Foundation
import Synchronization

/// One line on standard error that tells how far a long job is, redrawn only on a terminal.
///
/// Elsewhere each finished part prints one plain line, as logs need. Jobs that run side by side share
/// one progress.
final class Progress: Sendable {
  private struct State {
    var done = 0
    var drawn: ContinuousClock.Instant?
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
  func advance(_ what: String, loss: Float?) {
    state.withLock { state in
      state.done += 1
      guard isTerminal else { return }
      let now = clock.now
      if let drawn = state.drawn, now - drawn < .milliseconds(100) { return }
      state.drawn = now
      let each = seconds(now - start) / Double(state.done)
      let loss = loss.map { String(format: " | loss %.3f", $0) } ?? ""
      let line = String(
        format: "%@ | step %d of %d | %.2f s/step | %@ left%@", what, state.done, total, each,
        remaining(each * Double(total - state.done)), loss)
      Message.write("\r\u{1B}[2K" + line)
    }
  }

  /// Counts steps as done that need not be run.
  func skip(_ steps: Int) { state.withLock { $0.done += steps } }

  /// Tells of a finished part.
  func finish(_ part: String) {
    state.withLock { _ in
      if isTerminal { Message.write("\r\u{1B}[2K") }
      Message.line(part)
    }
  }

  private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }

  private func remaining(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60
      ? "\(whole) s" : String(format: "%d:%02d", whole / 60, whole % 60)
  }
}
