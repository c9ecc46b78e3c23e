internal import Drawing

/// A measure of a run at each step.
public enum CurveMeasure: String, Hashable, Sendable, CaseIterable {
  /// Each subject's peak attention: the largest value of its map, a mean attention probability.
  case peak
  /// Each subject's excitation score, 0…1: the largest value of its map as the loss reads it.
  case score
  /// The objective's loss.
  case loss
  /// The entropy of each subject's map as a share of the largest possible, 0…1.
  case entropy
  /// The soft Jaccard index of the maps of each pair of subjects, 0…1.
  case overlap
}
