package import AttentionTrace
package import PromptText
package import TensorEngine

/// The keys that a prompt's tokens have in some cross-attention layers, made without the UNet.
///
/// With them, recorded queries give the maps that the words of any prompt would have had: the prompt
/// is encoded by itself, and the softmax is over its own tokens.
/// - Reference: Marcos-Manchón et al., Open-Vocabulary Attention Maps with Token Optimization for
///   Semantic Segmentation in Diffusion Models, CVPR 2024, arXiv 2403.14291.
package struct PromptKeys: Sendable {
  /// The prompt as its tokens.
  package let prompt: TokenTable
  /// Shape `[1, token, width]`, by the layer's path.
  private let keys: [String: Tensor]

  /// Reads the text encoder and the layers' key projections, and computes each prompt's keys.
  ///
  /// - Parameters:
  ///   - sites: cross-attention layers of the checkpoint, of known width.
  ///   - clipSkip: how many of the text encoder's last layers are left out.
  /// - Throws: ``DiffusionError``, `TextError` or `FileError` when a part is missing or damaged.
  package static func of(
    _ prompts: [String], at sites: [AttentionSite], from checkpoint: Checkpoint, clipSkip: Int = 0
  ) throws -> [PromptKeys] {
    let encoders = try checkpoint.makeTextEncoders()
    let parameters = try checkpoint.parameters(of: .unet)
    let contextWidth = checkpoint.unetConfiguration.contextWidth
    let projections = try sites.map { site in
      try Linear(
        ParameterScope(parameters, path: site.path)["to_k"], contextWidth, site.width ?? 0,
        bias: false)
    }
    try parameters.finish()
    return try prompts.map { prompt in
      let table = encoders.tokenizer.encode(prompt)
      let context = try encoders.embedding(of: table, clipSkip: clipSkip).tokens
      return PromptKeys(
        prompt: table,
        keys: Dictionary(
          zip(sites.map(\.path), projections.map { $0(context) }), uniquingKeysWith: { $1 }))
    }
  }

  /// Attention probabilities over the prompt's tokens, `[head, row, column, token]`; each row sums
  /// to 1.
  ///
  /// They are softmax(q · k / √(width of a head)), the layer's own formula.
  /// - Parameters:
  ///   - queries: `[row, column, width]`, as recorded.
  ///   - site: one of the layers that the keys were made for.
  package func probabilities(of queries: Tensor, at site: AttentionSite) -> Tensor {
    guard let keys = keys[site.path], let width = site.width else {
      bug("no keys of \(site.path)")
    }
    let scale = 1 / Float(width / site.heads).squareRoot()
    return queries.reshaped([1, site.grid.pixels, width])
      .scores(against: keys, heads: site.heads, scale: scale).softmax()
      .reshaped([site.heads, site.grid.rows, site.grid.columns, prompt.tokens.count])
  }
}
