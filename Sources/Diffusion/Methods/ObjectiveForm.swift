/// Two forms of a loss whose published code does not compute what its paper states.
public enum ObjectiveForm: String, Hashable, Sendable, CaseIterable {
  /// As the paper states it.
  case paper
  /// As the published code computes it.
  case code

  static let help = "The loss as the paper states it or as the published code computes it."

  /// α for sums over the cells, where the published 20 is for means over Stable Diffusion's 256 cells.
  static let stepForSums = GradientSchedule.publishedScaleFactor / 256
}
