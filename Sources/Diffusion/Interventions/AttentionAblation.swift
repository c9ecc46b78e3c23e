public import AttentionTrace

/// Takes tokens or heads out of the prompt's branch, to see what they were there for.
///
/// Nothing takes the place of what is taken out: what a dropped token or a damped head would have
/// added to the layer's output is missing from it, and all else stays.
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

  /// Tokens by index, dropped from every cross-attention.
  public let tokens: [Int]
  /// Heads that are damped.
  public let heads: [Head]

  /// Takes out `tokens` and damps `heads`.
  public init(tokens: [Int] = [], heads: [Head] = []) {
    self.tokens = tokens
    self.heads = heads
  }

  /// Where a token is dropped or a head damped.
  public func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool {
    !tokens.isEmpty && site.kind == .cross || heads.contains { $0.isOf(site) }
  }

  /// Multiplies by 0, and heads by their factors.
  public func change(_ attention: inout LayerAttention) {
    let site = attention.site
    if site.kind == .cross, !tokens.isEmpty {
      attention.weigh(keys: (0..<site.keys).map { tokens.contains($0) ? 0 : 1 })
    }
    let damped = heads.filter { $0.isOf(site) }
    guard !damped.isEmpty else { return }
    var factors = [Float](repeating: 1, count: site.heads)
    for head in damped { factors[head.head] *= head.factor }
    attention.weigh(heads: factors)
  }
}
