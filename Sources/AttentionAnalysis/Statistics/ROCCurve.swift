/// The receiver operating characteristic: what a measure finds and what it takes for it by mistake, at every threshold.
package struct ROCCurve: Hashable, Sendable {
  /// Rates of the samples with a score of at least a threshold.
  package struct Point: Hashable, Sendable {
    /// Infinite at the first point, which no sample reaches.
    package let threshold: Double
    /// The share of the false that reach the threshold.
    package let falsePositiveRate: Double
    /// The share of the true that reach the threshold: the recall.
    package let truePositiveRate: Double
  }

  /// From (0, 0) to (1, 1), a point for each score that occurs, thresholds descending.
  package let points: [Point]
  /// How many samples are true.
  package let positives: Int
  /// How many samples are false.
  package let negatives: Int
  /// The area below the curve: how often a true sample has a higher score than a false one, where ties count
  /// half (the Mann-Whitney statistic U over the number of pairs).
  package let area: Double

  /// The curve of `samples`; those whose score is NaN are left out.
  /// - Returns: `nil` where none is true or none is false.
  package init?(of samples: [ClassifiedSample]) {
    let kept = samples.filter { !$0.score.isNaN }.sorted { $0.score > $1.score }
    let positives = kept.count(where: \.isTrue)
    let negatives = kept.count - positives
    guard positives > 0, negatives > 0 else { return nil }
    var points = [Point(threshold: .infinity, falsePositiveRate: 0, truePositiveRate: 0)]
    var (found, mistaken) = (0, 0)
    var area = TiedArea()
    for (place, sample) in kept.enumerated() {
      if sample.isTrue { found += 1 } else { mistaken += 1 }
      guard place + 1 == kept.count || kept[place + 1].score != sample.score else { continue }
      area.add(found: found, mistaken: mistaken)
      points.append(
        Point(
          threshold: sample.score, falsePositiveRate: Double(mistaken) / Double(negatives),
          truePositiveRate: Double(found) / Double(positives)))
    }
    (self.points, self.positives, self.negatives) = (points, positives, negatives)
    self.area = area.value
  }

  /// The area with its interval over prompts, clustered as means are; see ``Bootstrap/interval(of:)``.
  ///
  /// Without a sample that is true and one that is false the estimate is NaN; where a draw lacks one, the ends are.
  package static func area(
    of samples: [ClassifiedSample], _ bootstrap: Bootstrap = Bootstrap()
  ) -> BootstrapInterval {
    let kept = samples.filter { !$0.score.isNaN }.inCanonicalOrder
    let distinct = Set(kept.map(\.score)).sorted(by: >)
    let ranks = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
    let places = kept.map { ranks[$0.score] ?? 0 }
    let isTrue = kept.map(\.isTrue)
    // Counted by rank, as sorting every draw would take most of the time.
    var (found, mistaken) = (
      [Int](repeating: 0, count: distinct.count), [Int](repeating: 0, count: distinct.count)
    )
    func area(_ drawn: [Int]) -> Double {
      for rank in distinct.indices { (found[rank], mistaken[rank]) = (0, 0) }
      for place in drawn {
        if isTrue[place] { found[places[place]] += 1 } else { mistaken[places[place]] += 1 }
      }
      var (result, foundSoFar, mistakenSoFar) = (TiedArea(), 0, 0)
      for rank in distinct.indices {
        foundSoFar += found[rank]
        mistakenSoFar += mistaken[rank]
        result.add(found: foundSoFar, mistaken: mistakenSoFar)
      }
      return result.value
    }
    return bootstrap.interval(of: kept, among: samples.count, area)
  }

  /// The area below a curve, point by point.
  private struct TiedArea {
    private var last = (found: 0, mistaken: 0)
    private var doubled = 0

    /// Goes on to a threshold that so many of the true and of the false reach.
    mutating func add(found: Int, mistaken: Int) {
      doubled += (mistaken - last.mistaken) * (found + last.found)
      last = (found, mistaken)
    }

    /// The area so far, as a share of what it can be; NaN where that is nothing.
    var value: Double { Double(doubled) / 2 / (Double(last.found) * Double(last.mistaken)) }
  }
}
