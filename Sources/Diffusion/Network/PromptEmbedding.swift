public import TensorEngine

/// What a UNet is told of texts: a vector for each token, and in SDXL one for each whole text.
public struct PromptEmbedding: Sendable {
  /// Shape `[text, token, width]`; in SDXL the widths of both text encoders, one after the other.
  public let tokens: Tensor
  /// Shape `[text, width]`, the second text encoder's projection of the end token; `nil` but in SDXL.
  public let pooled: Tensor?

  /// An embedding of one or more texts.
  public init(_ tokens: Tensor, pooled: Tensor? = nil) {
    self.tokens = tokens
    self.pooled = pooled
  }

  /// Texts one after the other, as the branches of a pass.
  package static func stacked(_ parts: [PromptEmbedding]) -> PromptEmbedding {
    guard parts.count > 1 else { return parts[0] }
    let pooled = parts.compactMap(\.pooled)
    return PromptEmbedding(
      .concatenated(parts.map(\.tokens), axis: 0),
      pooled: pooled.isEmpty ? nil : .concatenated(pooled, axis: 0))
  }

  /// One of the texts.
  package func text(_ index: Int) -> PromptEmbedding {
    PromptEmbedding(
      tokens.sliced(axis: 0, index..<index + 1),
      pooled: pooled?.sliced(axis: 0, index..<index + 1))
  }

  /// The same shapes with nothing in them: what SDXL takes for an absent text.
  ///
  /// - Reference: diffusers `pipeline_stable_diffusion_xl.py`, `force_zeros_for_empty_prompt`.
  package var zeros: PromptEmbedding {
    PromptEmbedding(
      .full(0, shape: tokens.shape), pooled: pooled.map { .full(0, shape: $0.shape) })
  }
}
