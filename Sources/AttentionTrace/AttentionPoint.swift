/// The points of an attention that can be seen.
public enum AttentionPoint: String, Hashable, Sendable, Codable, CaseIterable {
  /// What each pixel asks of the tokens, `[branch, pixel, width]`: heads lie side by side in width,
  /// and nothing is scaled yet. Of cross-attention only.
  case queries
  /// Before the softmax, `[branch, head, pixel, token]`: queries times keys, scaled.
  case scores
  /// After the softmax, `[branch, head, pixel, token]`: each row over the tokens sums to 1, unless a
  /// method changes it.
  case probabilities
}
