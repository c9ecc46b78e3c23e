/// A mark that a user may put into a prompt for methods that read it.
public enum PromptMark: Hashable, Sendable {
  /// Brackets around noun phrases.
  case phrases
  /// Bars between parts, each with a weight or not.
  case parts
}
