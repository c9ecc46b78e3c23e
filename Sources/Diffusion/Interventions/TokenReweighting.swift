public import AttentionTrace

/// Multiplies the attention to chosen tokens, in every cross-attention of the prompt's branch.
///
/// M′ = M ⊙ c, and rows are not brought back to a sum of 1 (Hertz et al., Prompt-to-Prompt Image
/// Editing with Cross Attention Control, ICLR 2023, section 3.2, "attention re-weighting").
public struct TokenReweighting: AttentionIntervention {
  /// c, a factor for each token of the window.
  public let factors: [Float]

  /// Multiplies by `factors`.
  /// - Precondition: there are as many as the window has tokens.
  public init(factors: [Float]) { self.factors = factors }

  /// In every cross-attention.
  public func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool { site.kind == .cross }

  /// M ⊙ c.
  public func change(_ attention: inout LayerAttention) { attention.weigh(keys: factors) }
}
