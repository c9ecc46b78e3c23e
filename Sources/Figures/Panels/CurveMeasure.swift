/// A measure of a run at each step.
public enum CurveMeasure: String, Hashable, Sendable, CaseIterable {
  /// The objective's loss.
  case loss
  /// Each subject's largest attention, as the loss reads it.
  case maxima
  /// The entropy of each subject's map as a share of the largest possible, 0…1.
  case entropy
  /// The soft Jaccard index of the maps of each pair of subjects, 0…1.
  case overlap
}
