/// What is removed from or damped in the attention of the prompt's branch, as the user names it.
public struct AblationRecord: Hashable, Sendable, Codable {
  /// Words that no pixel attends to.
  public var drop: [String]
  /// Heads and words that are damped: `LAYERS.HEAD`, `LAYERS.HEAD=FACTOR` or `WORD=FACTOR`.
  public var damp: [String]

  /// Words to drop, and heads and words to damp.
  public init(drop: [String] = [], damp: [String] = []) {
    self.drop = drop
    self.damp = damp
  }

  /// One line, as in `drop frog, damp 16x16.0=0.5`.
  public var text: String {
    (drop.map { "drop \($0)" } + damp.map { "damp \($0)" }).joined(separator: ", ")
  }
}
