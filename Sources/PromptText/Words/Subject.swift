/// Something in the prompt that a method must make appear: one word, or tokens named by index.
public struct Subject: Hashable, Sendable, Codable {
  /// What the user calls it, as in `frog`, `frog#2` or `@5`.
  public let name: String
  /// Token indices, ascending; several for a word of several pieces.
  public let tokens: [Int]

  /// A subject of one token or several.
  public init(name: String, tokens: [Int]) {
    self.name = name
    self.tokens = tokens
  }
}
