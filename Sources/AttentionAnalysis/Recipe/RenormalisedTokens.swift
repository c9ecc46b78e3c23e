internal import AttentionTrace
internal import PromptText

/// The tokens over which a renormalisation goes, of texts whose tokens are the columns of maps.
struct RenormalisedTokens {
  /// The tokens, of any of the texts.
  let tokens: Set<Int>
  private let tables: [TokenTable]
  private let leavesOutPadding: Bool

  /// The tokens of `tables` that are in none of `classes`.
  init(without classes: Set<Recipe.TokenClass>, of tables: [TokenTable], _ source: any ChunkSource)
  {
    let stops = source.lossStopsAtEnd
    tokens = Set(tables.flatMap { $0.renormalised(without: classes, lossStopsAtEnd: stops) })
    self.tables = tables
    leavesOutPadding = classes.contains(.padding) || classes.contains(.unread) && stops
  }

  /// Whether all that the padding's summed column of every site is the sum over is among the tokens.
  ///
  /// Besides tokens of the text, the column may have what a model adds to a text by itself, such as
  /// registers, which is padding.
  func holdPadding(of sites: [RecordedSite]) -> Bool {
    guard !sites.isEmpty, !tables.isEmpty else { return false }
    return sites.allSatisfy { site in
      let name = RecordedSite.SummedColumn.padding
      guard let sum = site.summedColumns.first(where: { $0.name == name }) else { return false }
      return tables.allSatisfy { table in
        let summed = Set(table.tokens.indices).subtracting(site.tokens ?? [])
        return summed.isSubset(of: tokens) && (sum.keys <= summed.count || !leavesOutPadding)
      }
    }
  }
}

extension TokenTable {
  /// The tokens that are in none of `classes`, ascending.
  /// - Parameter lossStopsAtEnd: as ``ChunkSource/lossStopsAtEnd``.
  fileprivate func renormalised(
    without classes: Set<Recipe.TokenClass>, lossStopsAtEnd: Bool
  ) -> [Int] {
    let starts = encoderStarts
    let encoders = zip(starts, starts.dropFirst() + [tokens.count]).map { first, next in
      Encoder(
        first: first, end: ends.first { (first..<next).contains($0) } ?? next,
        hasOneWindow: segments.count { (first..<next).contains($0.words.lowerBound) } < 2)
    }
    return tokens.indices.filter { index in
      guard let encoder = encoders.last(where: { $0.first <= index }) else { return true }
      let special = tokens[index].special
      return !classes.contains { kind in
        switch kind {
        case .start: special == .start
        case .end: special == .end
        case .padding: special == .padding || index > encoder.end
        case .template: special == .template
        case .last: index == tokens.count - 1
        case .unread:
          index == encoder.first && special != nil
            || (lossStopsAtEnd
              ? index >= encoder.end || encoder.hasOneWindow && special != nil
              : index == tokens.count - 1)
        }
      }
    }
  }

  /// Where the tokens of a text encoder begin, and where its text ends.
  ///
  /// A loss over several windows of one encoder reads what stands between them.
  private struct Encoder {
    let first: Int
    let end: Int
    let hasOneWindow: Bool
  }
}
