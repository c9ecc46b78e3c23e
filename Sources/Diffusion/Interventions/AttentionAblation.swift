public import AttentionTrace

/// Takes tokens or heads out of the prompt's branch, or some of them, to see what they were there for.
///
/// Nothing takes the place of what is taken out: what a token or a head would have added to the layer's
/// output is missing from it, and all else stays.
public struct AttentionAblation: AttentionIntervention, Hashable {
  /// A head in some of the layers.
  public struct Head: Hashable, Sendable {
    /// The layers: a glob over their paths, or a grid as in `16x16`.
    public let layers: String
    /// The head's index.
    public let head: Int
    /// What it is multiplied by, 0 to take it out.
    public let factor: Float

    /// Describes a head; see the properties.
    public init(layers: String, head: Int, factor: Float) {
      self.layers = layers
      self.head = head
      self.factor = factor
    }

    /// Whether it is a head of the site.
    public func isOf(_ site: AttentionSite) -> Bool {
      head < site.heads && LayerPattern(layers).matches(site)
    }
  }

  /// What a token's attention is multiplied by in every cross-attention, 0 to take it out, by index.
  public let tokens: [Int: Float]
  /// Heads that are damped.
  public let heads: [Head]

  /// Damps `tokens` and `heads`.
  public init(tokens: [Int: Float] = [:], heads: [Head] = []) {
    self.tokens = tokens
    self.heads = heads
  }

  /// Where a token or a head is damped.
  public func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool {
    !tokens.isEmpty && site.kind == .cross || heads.contains { $0.isOf(site) }
  }

  /// Multiplies by the factors.
  public func change(_ attention: inout LayerAttention) {
    let site = attention.site
    if site.kind == .cross, !tokens.isEmpty {
      attention.weigh(keys: (0..<site.keys).map { tokens[$0] ?? 1 })
    }
    let damped = heads.filter { $0.isOf(site) }
    guard !damped.isEmpty else { return }
    var factors = [Float](repeating: 1, count: site.heads)
    for head in damped { factors[head.head] *= head.factor }
    attention.weigh(heads: factors)
  }
}
