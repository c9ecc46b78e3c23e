/// Two forms of a method whose published code does not compute what its paper states.
public enum ObjectiveForm: String, Hashable, Sendable, CaseIterable {
  /// As the paper states it, and where the paper is silent as its purpose asks for.
  case paper
  /// As the published code computes it.
  case code

  static let help = "The method as its paper states it or as its published code computes it."

  /// α for sums over the cells, where the published 20 is for means over Stable Diffusion's 256 cells.
  static let stepForSums = GradientSchedule.publishedScaleFactor / 256
}
