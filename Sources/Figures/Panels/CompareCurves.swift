internal import Drawing

/// The curves below each seed of the layout ``SheetLayout/compare``.
public enum CompareCurves: String, Hashable, Sendable, CaseIterable {
  /// Pictures and maps alone.
  case without = "none"
  /// The subjects' peak attention at each step, in a slim strip.
  case strip
  /// Peak attention, and the excitation score with the thresholds that it must reach.
  case full
}
