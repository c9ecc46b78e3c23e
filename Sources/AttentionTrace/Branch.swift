/// Which half of classifier-free guidance a row of a batch belongs to.
public enum Branch: String, Hashable, Sendable, Codable, CaseIterable {
  /// The empty (or negative) prompt.
  case unconditional
  /// The prompt.
  case conditional
}
