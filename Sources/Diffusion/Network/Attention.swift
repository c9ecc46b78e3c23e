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
    let isChanged = tap.isChanged(site)
    // Self-attention's output comes from the tiles unless it is changed, so that who looks changes no
    // bit of it; its maps exist whole only when someone asked.
    if kind == .`self`, seeScores.isEmpty, seeProbabilities.isEmpty, !isChanged, !tap.wants(site) {
      return output(q.attention(keys: k, values: v, heads: heads, scale: scale))
    }
    let scores = q.scores(against: k, heads: heads, scale: scale)  // [branch, head, pixel, token]
    tap.show(scores, to: seeScores, at: site, .scores)
    try tap.offer(scores: scores, at: site)
    let own = scores.softmax()  // [branch, head, pixel, token], rows sum to 1
    let (probabilities, values) =
      try isChanged ? changed(own, v, queries: q, at: site, by: tap) : (own, v)
    tap.show(probabilities, to: seeProbabilities, at: site, .probabilities)
    try tap.offer(probabilities, at: site)
    guard kind == .cross || isChanged else {
      return output(q.attention(keys: k, values: v, heads: heads, scale: scale))
    }
    return output(probabilities.weighted(values, heads: heads))
  }

  /// The probabilities and values with those of the prompt's branch as the tap's intervention
  /// leaves them.
  private func changed(
    _ probabilities: Tensor, _ values: Tensor, queries: Tensor, at site: AttentionSite,
    by tap: AttentionTap
  ) throws -> (probabilities: Tensor, values: Tensor) {
    guard let row = tap.pass.branches.lastIndex(of: .conditional) else {
      return (probabilities, values)
    }
    var attention = LayerAttention(
      site: site, pass: tap.pass, probabilities: probabilities.row(row), values: values.row(row),
      queries: queries.row(row), layer: self)
    try tap.intervention?.change(&attention)
    return (
      probabilities.replacing(row, ofAxis: 0, by: attention.probabilities),
      values.replacing(row, ofAxis: 0, by: attention.values)
    )
  }
}

extension Tensor {
  /// One row of the first axis, which stays.
  fileprivate func row(_ row: Int) -> Tensor {
    shape[0] == 1 ? self : sliced(axis: 0, row..<row + 1)
  }

  /// The same with another part of extent 1 at one place of an axis.
  func replacing(_ place: Int, ofAxis axis: Int, by other: Tensor) -> Tensor {
    guard shape[axis] > 1 else { return other }
    let parts = [
      place > 0 ? sliced(axis: axis, 0..<place) : nil, other,
      place + 1 < shape[axis] ? sliced(axis: axis, place + 1..<shape[axis]) : nil,
    ]
    return .concatenated(parts.compactMap(\.self), axis: axis)
  }
}
