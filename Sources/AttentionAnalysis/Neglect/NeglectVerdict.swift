internal import AttentionTrace

/// The verdict on a subject, by its excitation scores alone.
///
/// It says what the loss read, not what the picture shows: a subject whose score is high can still be
/// missing there.
public enum NeglectVerdict: String, Hashable, Sendable, Codable, CaseIterable {
  /// Its score in the window is at least the upper level.
  case high
  /// Its score is between the two levels.
  case weak
  /// Its score reached the upper level at some step, and is below the lower one in the window.
  case lost
  /// Its score never reached the upper level, and is below the lower one in the window.
  case neglected
  /// The run measured nothing in the window.
  case unmeasured

  /// Whether it is a case of neglect: neglected from the beginning, or lost on the way.
  public var isNeglect: Bool { self == .neglected || self == .lost }

  /// The verdict as people read it.
  public var words: String {
    switch self {
    case .high: "high score"
    case .unmeasured: "not measured"
    case .weak, .lost, .neglected: rawValue
    }
  }
}
