internal import AttentionTrace

/// What became of a subject.
public enum NeglectVerdict: String, Hashable, Sendable, Codable, CaseIterable {
  /// Its attention reached the upper level and kept it.
  case attended
  /// Between the two levels.
  case weak
  /// Attended to once, and below the lower level in the end.
  case lost
  /// Never attended to, and below the lower level in the end.
  case neglected
  /// The run measured nothing in the window.
  case unmeasured
}
