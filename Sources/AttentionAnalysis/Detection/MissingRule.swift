/// The verdicts that are read as "this subject is missing from the picture".
package enum MissingRule: String, Hashable, Sendable, CaseIterable {
  /// Neglected or lost: what the neglect report counts as a case of neglect.
  case neglected
  /// Weak ones too.
  case weak

  /// The verdicts.
  package var verdicts: Set<NeglectVerdict> {
    switch self {
    case .neglected: [.neglected, .lost]
    case .weak: [.neglected, .lost, .weak]
    }
  }

  /// The verdicts in words.
  package var words: String {
    switch self {
    case .neglected: "neglected or lost"
    case .weak: "neglected, lost or weak"
    }
  }
}
