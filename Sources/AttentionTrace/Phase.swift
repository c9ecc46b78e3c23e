/// What a pass of the UNet is for.
public enum Phase: String, Hashable, Sendable, Codable, CaseIterable {
  /// It serves an objective's loss.
  case loss
  /// It serves a try of iterative refinement.
  case refinement
  /// It predicts the noise that the scheduler removes.
  case denoise
}
