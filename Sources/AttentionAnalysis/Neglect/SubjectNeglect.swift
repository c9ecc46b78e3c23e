internal import AttentionTrace
public import PromptText

/// One subject of one run: its attention, and the verdict on it.
public struct SubjectNeglect: Hashable, Sendable {
  /// The largest attention at a step.
  public struct Point: Hashable, Sendable, Codable {
    /// The scheduler's iteration.
    public let step: Int
    /// The largest value of the subject's map as the objective reads it, in 0…1.
    public let largest: Float
  }

  /// A required level, and when it was reached.
  public struct Threshold: Hashable, Sendable, Codable {
    /// The step at which the level is asked for.
    public let step: Int
    /// The level, in 0…1.
    public let level: Double
    /// The first step whose largest attention is at least the level; `nil` if there is none.
    public let reachedAt: Int?
  }

  /// The subject.
  public let subject: Subject
  /// The largest attention of each pass that predicts the noise, by step.
  public let trajectory: [Point]
  /// The method's thresholds, or the paper's for a run without.
  public let thresholds: [Threshold]
  /// The mean of the largest attention over the window; NaN if nothing was measured there.
  public let late: Float
  /// The verdict.
  public let verdict: NeglectVerdict
  /// The reason of the verdict, with its numbers.
  public let reason: String
  /// The share of the prompt's words' attention that fell on this one, over the window, in 0…1; `nil`
  /// if the recording does not have all words' maps at the loss's grid.
  public let massShare: Double?
  /// The largest value of the recorded map over the window, and where it is; `nil` as above.
  public let peak: MapPeak?

  init(
    _ subject: Subject, _ trajectory: [Point], thresholds: [Int: Double],
    _ criteria: NeglectCriteria,
    window: ClosedRange<Int>, recorded: (massShare: Double?, peak: MapPeak)?
  ) {
    self.subject = subject
    self.trajectory = trajectory
    (massShare, peak) = (recorded?.massShare, recorded?.peak)
    self.thresholds = thresholds.sorted { $0.key < $1.key }.map { step, level in
      Threshold(
        step: step, level: level,
        reachedAt: trajectory.first { Double($0.largest) >= level }?.step)
    }
    late = Self.mean(of: trajectory, in: window)
    let best = trajectory.max { $0.largest < $1.largest }
    verdict = Self.verdict(late, best: best?.largest, criteria)
    reason = Self.reason(subject.name, verdict, late, trajectory, best, criteria, window)
  }

  /// The mean of the largest attention over other steps; NaN if nothing was measured there.
  func mean(in window: ClosedRange<Int>) -> Float { Self.mean(of: trajectory, in: window) }

  private static func mean(of trajectory: [Point], in window: ClosedRange<Int>) -> Float {
    let inside = trajectory.filter { window.contains($0.step) }.map(\.largest)
    return inside.isEmpty ? .nan : inside.reduce(0, +) / Float(inside.count)
  }

  private static func verdict(
    _ late: Float, best: Float?, _ criteria: NeglectCriteria
  ) -> NeglectVerdict {
    guard !late.isNaN, let best else { return .unmeasured }
    if late >= criteria.attendedFrom { return .attended }
    if late >= criteria.neglectedBelow { return .weak }
    return best >= criteria.attendedFrom ? .lost : .neglected
  }

  /// The verdict in words.
  private static func reason(
    _ name: String, _ verdict: NeglectVerdict, _ late: Float, _ trajectory: [Point], _ best: Point?,
    _ criteria: NeglectCriteria, _ window: ClosedRange<Int>
  ) -> String {
    let steps = "steps \(window.lowerBound)..\(window.upperBound)"
    guard verdict != .unmeasured, let best else {
      return "\(name): nothing was measured in \(steps)"
    }
    let mean = "its largest attention averages \(digits(late)) over \(steps)"
    let peak = "it was \(digits(best.largest)) at step \(best.step)"
    switch verdict {
    case .attended:
      return "\(name) is attended to: \(mean), at least \(digits(criteria.attendedFrom))"
    case .weak:
      return "\(name) is weak: \(mean), between \(digits(criteria.neglectedBelow)) and "
        + "\(digits(criteria.attendedFrom)); at most \(peak)"
    case .lost:
      let fell = trajectory.first {
        $0.step > best.step && $0.largest < criteria.neglectedBelow
      }
      return "\(name) is lost: \(peak)"
        + (fell.map { ", fell below \(digits(criteria.neglectedBelow)) at step \($0.step)" } ?? "")
        + ", and \(mean)"
    case .neglected:
      return "\(name) is neglected: \(mean), below \(digits(criteria.neglectedBelow)), and at most "
        + peak
    case .unmeasured: return ""
    }
  }

  /// Up to four digits after the point.
  private static func digits(_ value: Float) -> String {
    let rounded = (value * 10_000).rounded() / 10_000
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}
