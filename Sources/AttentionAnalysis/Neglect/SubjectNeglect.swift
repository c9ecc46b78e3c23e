internal import AttentionTrace
public import PromptText

/// One subject of one run: its excitation scores, and the verdict on it.
public struct SubjectNeglect: Hashable, Sendable {
  /// The excitation score at a step.
  public struct Point: Hashable, Sendable, Codable {
    /// The scheduler's iteration.
    public let step: Int
    /// What the loss reads of the subject, in 0…1.
    public let score: Float
  }

  /// A required level, and when it was reached.
  public struct Threshold: Hashable, Sendable, Codable {
    /// The step at which the level is asked for.
    public let step: Int
    /// The level, in 0…1.
    public let level: Double
    /// The first step whose score is at least the level; `nil` if there is none.
    public let reachedAt: Int?
  }

  /// The subject.
  public let subject: Subject
  /// The excitation score of each pass that predicts the noise, by step.
  public let trajectory: [Point]
  /// The method's thresholds, or the paper's for a run without.
  public let thresholds: [Threshold]
  /// The mean of the excitation score over the window; NaN if nothing was measured there.
  public let score: Float
  /// The verdict.
  public let verdict: NeglectVerdict
  /// The reason of the verdict, with its numbers.
  public let reason: String
  /// The share of the prompt's words' attention that fell on this one, over the window, in 0…1; `nil`
  /// if the recording does not have all words' maps at the loss's grid.
  public let massShare: Double?
  /// The peak attention of the recorded map over the window, and where it is; `nil` as above.
  public let peak: MapPeak?

  init(
    _ subject: Subject, _ trajectory: [Point], thresholds: [Int: Double],
    _ criteria: NeglectCriteria,
    window: ClosedRange<Int>, recorded: (massShare: Double?, peak: MapPeak)?, isOfMaps: Bool
  ) {
    self.subject = subject
    self.trajectory = trajectory
    (massShare, peak) = (recorded?.massShare, recorded?.peak)
    self.thresholds = thresholds.sorted { $0.key < $1.key }.map { step, level in
      Threshold(
        step: step, level: level,
        reachedAt: trajectory.first { Double($0.score) >= level }?.step)
    }
    score = Self.mean(of: trajectory, in: window)
    let best = Self.best(of: trajectory)
    verdict = Self.verdict(score, best: best?.score, criteria)
    reason = Self.reason(
      subject.name, verdict, score, trajectory, best, criteria, window,
      isOfMaps ? "its excitation score, made of the maps," : "its excitation score")
  }

  /// The mean of the excitation score over other steps; NaN if nothing was measured there.
  func mean(in window: ClosedRange<Int>) -> Float { Self.mean(of: trajectory, in: window) }

  private static func mean(of trajectory: [Point], in window: ClosedRange<Int>) -> Float {
    let inside = trajectory.filter { window.contains($0.step) }.map(\.score)
    return inside.isEmpty ? .nan : inside.reduce(0, +) / Float(inside.count)
  }

  /// The highest score that is one; `nil` if there is none.
  private static func best(of trajectory: [Point]) -> Point? {
    trajectory.filter(\.score.isFinite).max { $0.score < $1.score }
  }

  /// The verdict on a subject with these scores.
  static func verdict(
    on trajectory: [Point], in window: ClosedRange<Int>, _ criteria: NeglectCriteria
  ) -> NeglectVerdict {
    verdict(mean(of: trajectory, in: window), best: best(of: trajectory)?.score, criteria)
  }

  private static func verdict(
    _ score: Float, best: Float?, _ criteria: NeglectCriteria
  ) -> NeglectVerdict {
    guard score.isFinite, let best else { return .unmeasured }
    if score >= criteria.highFrom { return .high }
    if score >= criteria.neglectedBelow { return .weak }
    return best >= criteria.highFrom ? .lost : .neglected
  }

  /// The verdict in words.
  private static func reason(
    _ name: String, _ verdict: NeglectVerdict, _ score: Float, _ trajectory: [Point],
    _ best: Point?,
    _ criteria: NeglectCriteria, _ window: ClosedRange<Int>, _ what: String
  ) -> String {
    let steps = TableText.steps(window, to: "..")
    guard verdict != .unmeasured, let best else {
      return score.isNaN
        ? "\(name): nothing was measured in \(steps)"
        : "\(name): \(what) averages \(digits(score)) over \(steps), which is no score"
    }
    let mean = "\(what) averages \(digits(score)) over \(steps)"
    let peak = "it was \(digits(best.score)) at step \(best.step)"
    switch verdict {
    case .high:
      return "\(name) has a high score: \(mean)"
        + (stay(trajectory, criteria).map { ", and stays above \($0.level) from step \($0.step)" }
          ?? "")
    case .weak:
      return "\(name) is weak: \(mean), between \(digits(criteria.neglectedBelow)) and "
        + "\(digits(criteria.highFrom)); at most \(peak)"
    case .lost:
      let fell = trajectory.first {
        $0.step > best.step && $0.score < criteria.neglectedBelow
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

  /// From which step on the score is above the lower level; `nil` if it is not in the end.
  private static func stay(
    _ trajectory: [Point], _ criteria: NeglectCriteria
  ) -> (level: String, step: Int)? {
    trajectory.reversed().prefix { $0.score > criteria.neglectedBelow }.last.map {
      (digits(criteria.neglectedBelow), $0.step)
    }
  }

  /// Up to four digits after the point.
  private static func digits(_ value: Float) -> String {
    guard abs(value) < 1e9 else { return String(value) }
    let rounded = (value * 10_000).rounded() / 10_000
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}
