package import AttentionTrace
internal import PromptText

/// Removes or damps tokens or heads in the attention of the prompt's branch, to measure their effect.
///
/// The contribution of a removed token or head is missing from the layer's output; it is not
/// redistributed.
package struct AttentionAblation: AttentionIntervention, Hashable {
  /// A head in some of the layers.
  package struct Head: Hashable, Sendable {
    /// The layers: a glob over their paths, or a grid as in `16x16`.
    package let layers: String
    /// The head's index.
    package let head: Int
    /// What it is multiplied by, 0 to take it out.
    package let factor: Float

    /// The head at an index of the layers that match a pattern, scaled by a factor.
    package init(layers: String, head: Int, factor: Float) {
      self.layers = layers
      self.head = head
      self.factor = factor
    }

    /// Whether it is a head of the site.
    package func isOf(_ site: AttentionSite) -> Bool {
      head < site.heads && LayerPattern(layers).matches(site)
    }
  }

  /// What a token's attention is multiplied by in every cross-attention, 0 to take it out, by index.
  package let tokens: [Int: Float]
  /// Heads that are damped.
  package let heads: [Head]

  /// Damps `tokens` and `heads`.
  package init(tokens: [Int: Float] = [:], heads: [Head] = []) {
    self.tokens = tokens
    self.heads = heads
  }

  /// Where a token or a head is damped.
  package func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool {
    !tokens.isEmpty && site.kind == .cross || heads.contains { $0.isOf(site) }
  }

  /// Multiplies by the factors.
  package func change(_ attention: inout LayerAttention) {
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

// MARK: - As a user names it

extension AttentionAblation {
  /// What a record names in a run.
  /// - Throws: `TextError` for a word that the prompt lacks, ``DiffusionError`` or `TraceError` for a
  ///   head that the checkpoint lacks.
  init(_ record: AblationRecord, in run: PlannedRun) throws {
    let damped = try record.damp.map(Damping.init)
    var tokens: [Int: Float] = [:]
    for (word, factor) in record.drop.map({ ($0, 0) }) + damped.compactMap(\.word) {
      for token in try WordReference(word).tokens(in: run.prompt) {
        tokens[token, default: 1] *= factor
      }
    }
    self.init(tokens: tokens, heads: damped.compactMap(\.head))
    for head in heads where !run.sites.contains(where: head.isOf) {
      let layers = run.sites.filter { LayerPattern(head.layers).matches($0) }
      guard let most = layers.map(\.heads).max() else {
        throw TraceError.unmatchedPattern(head.layers, sites: run.sites.map(\.path))
      }
      throw DiffusionError.invalidRequest(
        what: "the head of \(head.layers)", got: String(head.head), expected: "0…\(most - 1)")
    }
  }
}

/// A head or a word, and what it is multiplied by: `LAYERS.HEAD`, `LAYERS.HEAD=FACTOR`, `WORD=FACTOR`.
private struct Damping {
  private(set) var head: AttentionAblation.Head?
  private(set) var word: (String, Float)?

  init(_ text: String) throws {
    let sides = text.split(separator: "=", omittingEmptySubsequences: false)
    let factor = sides.count == 2 ? Float(String(sides[1])) : 0
    guard (1...2).contains(sides.count), let factor, factor.isFinite, !sides[0].isEmpty else {
      throw Self.unreadable(text)
    }
    if let dot = sides[0].lastIndex(of: "."), dot != sides[0].startIndex,
      let index = Int(sides[0][sides[0].index(after: dot)...]), index >= 0
    {
      head = AttentionAblation.Head(
        layers: String(sides[0][..<dot]), head: index, factor: factor)
    } else if sides.count == 2 {
      word = (String(sides[0]), factor)
    } else {
      throw Self.unreadable(text)
    }
  }

  private static func unreadable(_ text: String) -> DiffusionError {
    .knob(
      name: "damp",
      reason:
        "is '\(text)'; expected layers, a point and a head, as in 16x16.0 or 16x16.0=0.5, or a "
        + "word and a factor, as in frog=0.5")
  }
}
