package import AttentionTrace
package import TensorEngine

/// Multi-head attention of a transformer block, with its points in plain sight.
///
/// - Reference: diffusers `models/attention_processor.py`, `Attention` and `AttnProcessor`.
package struct Attention: Sendable {
  /// The layer's path in the checkpoint, which is its name everywhere.
  let path: String
  let kind: AttentionSite.Kind
  let heads: Int
  /// Numbers of a query, all heads together.
  let width: Int
  let scale: Float
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear

  /// - Parameter contextWidth: the width of what the keys are made of; `nil` for self-attention.
  package init(_ scope: ParameterScope, width: Int, contextWidth: Int?, heads: Int) throws {
    path = scope.path
    kind = contextWidth == nil ? .`self` : .cross
    self.heads = heads
    self.width = width
    scale = 1 / Float(width / heads).squareRoot()
    let source = contextWidth ?? width
    query = try Linear(scope["to_q"], width, width, bias: false)
    key = try Linear(scope["to_k"], source, width, bias: false)
    value = try Linear(scope["to_v"], source, width, bias: false)
    output = try Linear(scope["to_out"][0], width, width)
  }

  /// `x` `[batch, pixel, width]`, `context` `[batch, token, contextWidth]` for cross-attention.
  package func callAsFunction(
    _ x: Tensor, context: Tensor, grid: Grid, tap: AttentionTap
  ) throws -> Tensor {
    let source = kind == .cross ? context : x
    let (q, k, v) = (query(x), key(source), value(source))
    let site = AttentionSite(
      path: path, kind: kind, heads: heads, grid: grid, keys: source.shape[1], width: width)
    if kind == .cross {
      tap.show(q, to: tap.observers(wanting: site, .queries), at: site, .queries)
    }
    let seeScores = tap.observers(wanting: site, .scores)
    let seeProbabilities = tap.observers(wanting: site, .probabilities)
    // Self-attention's output always comes from the tiles, so that who looks changes no bit of it;
    // its maps exist whole only when someone asked.
    if kind == .`self`, seeScores.isEmpty, seeProbabilities.isEmpty, !tap.wants(site) {
      return output(q.attention(keys: k, values: v, heads: heads, scale: scale))
    }
    let scores = q.scores(against: k, heads: heads, scale: scale)  // [branch, head, pixel, token]
    tap.show(scores, to: seeScores, at: site, .scores)
    let probabilities = scores.softmax()  // [branch, head, pixel, token], rows sum to 1
    tap.show(probabilities, to: seeProbabilities, at: site, .probabilities)
    try tap.offer(probabilities, at: site)
    guard kind == .cross else {
      return output(q.attention(keys: k, values: v, heads: heads, scale: scale))
    }
    return output(probabilities.weighted(v, heads: heads))
  }
}
