internal import AttentionTrace
package import PromptText

/// The pieces of a word, the most attended one first.
///
/// Of a word of several tokens, Attend-and-Excite's authors advise to look at the maps and take the
/// piece whose attention is largest, as "brero" of "sombrero" (their repository's issue 32); the
/// ranking does that by number.
package struct PieceRanking: Hashable, Sendable {
  /// One token of a word.
  package struct Piece: Hashable, Sendable {
    /// The token's index.
    package let token: Int
    /// The vocabulary's spelling, as in `brero</w>`.
    package let spelling: String
    /// The largest value of its map and where it is.
    package let peak: MapPeak
    /// The sum of its map.
    package let mass: Double
  }

  /// The word.
  package let subject: Subject
  /// Its pieces by their largest value, descending; ties in the order of the prompt.
  package let pieces: [Piece]
  /// The word's own map, its pieces put together as the recipe says.
  package let map: AttentionMap

  /// Ranks the pieces of `subject` by their maps.
  /// - Throws: ``AnalysisError/nothingSelected(run:what:recorded:)`` when a token was not recorded.
  package init(_ subject: Subject, in maps: AggregatedMaps, of table: TokenTable) throws {
    self.subject = subject
    map = try maps.map(of: subject)
    pieces = try subject.tokens.map { token in
      let map = try maps.map(of: Subject(name: subject.name, tokens: [token]))
      let spelling = table.tokens.indices.contains(token) ? table.tokens[token].piece : ""
      return Piece(
        token: token, spelling: spelling, peak: MapPeak(of: map),
        mass: map.values.reduce(0) { $0 + Double($1) })
    }.sorted { ($1.peak.value, $0.token) < ($0.peak.value, $1.token) }
  }

  /// The name to give as the subject: the strongest piece, as in `@6`.
  package var recommendation: String { pieces.first.map { "@\($0.token)" } ?? "" }
}
