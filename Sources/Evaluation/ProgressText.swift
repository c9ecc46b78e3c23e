private import Foundation

/// How far a long job is, as one line that fits a terminal.
package struct ProgressText {
  /// What is being made, as in `Attend-and-Excite, seed 0`.
  let part: String
  /// Steps made, of all parts.
  let done: Int
  /// Steps of all parts.
  let total: Int
  /// Seconds since the job began.
  let seconds: Double
  /// The loss of the last step, where one was measured.
  let loss: Float?
  /// Where the picture that the last step predicts is, where one is kept.
  package let preview: String?

  package init(
    _ part: String, done: Int, of total: Int, seconds: Double, loss: Float?, preview: String? = nil
  ) {
    (self.part, self.done, self.total) = (part, done, total)
    (self.seconds, self.loss, self.preview) = (seconds, loss, preview)
  }

  /// The line in at most `columns` characters: what matters least is left out first, and never a half
  /// of it.
  package func line(columns: Int) -> String {
    let each = seconds / Double(max(done, 1))
    let speed = String(format: "%.2f s/step", each)
    let left = "\(Self.clock(each * Double(total - done))) left"
    let loss = loss.map { [String(format: "loss %.3f", $0)] } ?? []
    let (long, short) = ("step \(done) of \(total)", "\(done)/\(total)")
    let named = preview.map {
      [[part, long, speed, left] + loss + [$0], [part, short, left, $0]]
    }
    let plain = [
      [part, long, speed, left] + loss, [part, long, left] + loss, [part, short, left] + loss,
      [part, short, left], [short, left], [short],
    ]
    let lines = ((named ?? []) + plain).map { $0.joined(separator: " | ") }
    return lines.first { $0.count <= columns } ?? ""
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return whole < 60 ? "\(whole) s" : String(format: "%d:%02d", whole / 60, whole % 60)
  }
}
