/// Which half of classifier-free guidance a row of a batch belongs to.
public enum Branch: String, Hashable, Sendable, Codable, CaseIterable {
  /// The empty (or negative) prompt.
  case unconditional
  /// The prompt.
  case conditional

  /// The text that the branch reads, in words.
  package var textName: String {
    self == .conditional
      ? "the prompt" : "the negative prompt, which the unconditional branch reads,"
  }
}
