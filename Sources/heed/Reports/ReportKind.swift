import ArgumentParser

/// What `heed analyze` reports.
enum ReportKind: String, ExpressibleByArgument, CaseIterable {
  /// What became of each subject, and what excitation changed.
  case neglect
  /// Each word's map and its pieces by their strength.
  case words
  /// Entropy, concentration, centre and spread of each map.
  case statistics
  /// What the maps of two words share.
  case overlap
  /// How close attributes are to their nouns.
  case binding
  /// How much maps change from step to step.
  case convergence
  /// Attention on the start token, words, end token and padding.
  case mass
  /// Power of each map by spatial frequency.
  case spectrum
  /// Excited − plain.
  case difference
  /// What a method comes to, and what it costs.
  case outcome
  /// Verdicts and attention against what a detector finds.
  case detection
  /// Which heads serve which words.
  case heads
  /// Maps against masks.
  case segmentation
  /// Overlap of words by their grammatical relation.
  case relations
}
