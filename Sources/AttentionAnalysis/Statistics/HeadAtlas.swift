package import AttentionTrace
package import PromptText

/// Which heads of which layers serve a word, or a class of words.
///
/// A head serves the class on which it spends most of what it gives to the prompt's words. As in head
/// relevance vectors (Park et al., arXiv 2412.02237), a head gains a win in each call for the class
/// whose words it attends to most; the share itself is given too, which does not depend on
/// the other classes.
package struct HeadAtlas: Sendable {
  /// A class of words by name.
  package struct WordClass: Hashable, Sendable {
    /// As in `animal`; the word itself for a single one.
    package let name: String
    /// Its words.
    package let words: [Subject]

    /// A class of `words`.
    package init(name: String, words: [Subject]) {
      (self.name, self.words) = (name, words)
    }

    /// The tokens of all words.
    var tokens: Set<Int> { Set(words.flatMap(\.tokens)) }
  }

  /// One head and one class.
  package struct Entry: Hashable, Sendable {
    /// The layer's path.
    package let layer: String
    /// The head's index in the layer.
    package let head: Int
    /// The class's name.
    package let name: String
    /// The mean over calls of the class's share in the mass of the prompt's words, in 0…1.
    package let share: Double
    /// The mean over calls of the peak attention of the class's map.
    package let peak: Double
    /// The share of the calls in which the class had more mass per word than every other, in 0…1.
    package let wins: Double
  }

  /// By layer, head and class, in the model's order.
  package let entries: [Entry]

  /// Measures the calls that `recipe` selects, layer by layer and head by head; its reductions are
  /// ignored.
  /// - Throws: ``AnalysisError`` when the words' tokens were not recorded, `TraceError` when the store
  ///   is damaged.
  package init(_ run: RecordedRun, classes: [WordClass], by recipe: Recipe) throws {
    for kind in classes { try run.check(kind.words, by: recipe) }
    let words = try run.wordTable(by: recipe).content
    let needed = Set(words).union(classes.flatMap(\.tokens)).sorted()
    var tallies: [Place: [Tally]] = [:]
    var places: [Place] = []
    try run.forEachSlice(tokens: needed, by: recipe, keeping: [.layer, .step, .head]) { slice in
      guard let layer = slice.layer, let head = slice.head else { return }
      let place = Place(layer: layer.site.path, head: head)
      if tallies[place] == nil {
        places.append(place)
        tallies[place] = classes.map { _ in Tally() }
      }
      let masses = Self.masses(slice.maps)
      let all = words.reduce(0) { $0 + (masses[$1] ?? 0) }
      let amounts = classes.map { kind in kind.tokens.reduce(0) { $0 + (masses[$1] ?? 0) } }
      let each = zip(amounts, classes).map { $0 / Double(max($1.words.count, 1)) }
      let best = each.max() ?? 0
      for (index, kind) in classes.enumerated() {
        let isWinner = each[index] == best && each.count { $0 == best } == 1
        tallies[place]?[index].add(
          share: all > 0 ? amounts[index] / all : .nan,
          peak: try kind.words.map { Double(try slice.maps.map(of: $0).largest) }.max() ?? .nan,
          wins: isWinner)
      }
    }
    entries = places.flatMap { place in
      zip(classes, tallies[place] ?? []).map { kind, tally in
        Entry(
          layer: place.layer, head: place.head, name: kind.name, share: tally.share / tally.count,
          peak: tally.peak / tally.count, wins: tally.wins / tally.count)
      }
    }
  }

  private struct Place: Hashable {
    let layer: String
    let head: Int
  }

  private struct Tally {
    var share = 0.0
    var peak = 0.0
    var wins = 0.0
    var count = 0.0

    mutating func add(share: Double, peak: Double, wins: Bool) {
      self.share += share
      self.peak += peak
      self.wins += wins ? 1 : 0
      count += 1
    }
  }

  /// The sum of each token's map.
  private static func masses(_ maps: AggregatedMaps) -> [Int: Double] {
    var masses: [Int: Double] = [:]
    for (column, token) in maps.tokens.enumerated() {
      masses[token] = stride(from: column, to: maps.values.count, by: maps.tokens.count)
        .reduce(0.0) { $0 + Double(maps.values[$1]) }
    }
    return masses
  }

  /// Weights of the heads for maps of the class `name`: in each layer each head's share, averaged over
  /// `atlases`, over the sum of the layer's.
  ///
  /// Where no head of a layer gives the class anything, all weigh the same.
  package static func weights(for name: String, of atlases: [HeadAtlas]) -> HeadWeights {
    let mine = atlases.flatMap(\.entries).filter { $0.name == name }
    return HeadWeights(
      layers: Dictionary(grouping: mine, by: \.layer).mapValues { entries in
        var sums = [Double](repeating: 0, count: (entries.map(\.head).max() ?? -1) + 1)
        for entry in entries where entry.share.isFinite { sums[entry.head] += entry.share }
        let total = sums.reduce(0, +)
        let heads = Double(Set(entries.map(\.head)).count)
        return sums.indices.map { head in
          total > 0 ? Float(sums[head] / total) : Float(1 / heads)
        }
      })
  }
}
