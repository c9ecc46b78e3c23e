internal import TensorEngine

/// How far several people agree who put the same items into categories, beyond what chance makes.
///
/// 1 where they agree on every item, 0 where they agree as often as chance does, negative below that.
///
/// Source: Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76, 1971.
package struct FleissKappa: Hashable, Sendable {
  /// κ; NaN where all ratings are of one category, as chance then agrees always.
  package let value: Double
  /// The share of pairs of ratings of one item that agree, P̄.
  package let agreement: Double
  /// The share that agrees by chance, P̄ₑ.
  package let chance: Double
  /// How many items were rated, N.
  package let items: Int
  /// How many ratings each item has, n.
  package let ratings: Int

  /// The agreement of ratings.
  /// - Parameter counts: `[item][category]` how many ratings put the item into the category.
  /// - Returns: `nil` without an item, with fewer than two ratings an item, and where items have different
  ///   numbers of ratings, for which Fleiss' kappa is not defined.
  package init?(counts: [[Int]]) {
    guard let first = counts.first else { return nil }
    let ratings = first.reduce(0, +)
    guard ratings > 1,
      counts.allSatisfy({ $0.count == first.count && $0.reduce(0, +) == ratings })
    else { return nil }
    var (pairs, categories) = (0, [Int](repeating: 0, count: first.count))
    for item in counts {
      for (category, count) in item.enumerated() {
        pairs += count * (count - 1)
        categories[category] += count
      }
    }
    (items, self.ratings) = (counts.count, ratings)
    agreement = Double(pairs) / Double(items * ratings * (ratings - 1))
    let all = Double(items * ratings)
    chance = categories.reduce(0) { $0 + (Double($1) / all) * (Double($1) / all) }
    value = categories.contains(items * ratings) ? .nan : (agreement - chance) / (1 - chance)
  }

  /// κ with its interval over items, which are drawn with replacement.
  ///
  /// The estimate is NaN where κ is not defined, and the ends are where it is not of every draw.
  package static func interval(
    counts: [[Int]], _ bootstrap: Bootstrap = Bootstrap()
  ) -> BootstrapInterval {
    bootstrap.interval(of: counts.indices.map(Double.init)) { places in
      FleissKappa(counts: places.map { counts[Int($0)] })?.value ?? .nan
    }
  }
}
