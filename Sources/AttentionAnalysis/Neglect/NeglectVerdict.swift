internal import AttentionTrace

/// The verdict on a subject.
public enum NeglectVerdict: String, Hashable, Sendable, Codable, CaseIterable {
  /// Its attention reached the upper level and kept it.
  case attended
  /// Between the two levels.
  case weak
  /// Attended at some step, but below the lower level in the end.
  case lost
  /// Never attended, and below the lower level in the end.
  case neglected
  /// The run measured nothing in the window.
  case unmeasured
}
