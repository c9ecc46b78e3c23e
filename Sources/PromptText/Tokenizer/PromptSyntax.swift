/// What signs in a prompt mean.
public enum PromptSyntax: String, Hashable, Sendable, CaseIterable {
  /// Every sign is text.
  case plain
  /// As AUTOMATIC1111's web UI reads them: `(cat:1.3)`, `(cat)` and `[cat]` weigh the tokens inside,
  /// `\(` is a bracket, `BREAK` begins a new window, and `AND` parts the prompt.
  case webui
}
