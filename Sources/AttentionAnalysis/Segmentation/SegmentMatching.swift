/// Segments found without labels, scored by an assignment of labels: each segment gets its own
/// label so that the sum of IoU over all pictures is largest.
///
/// Source: castorini/daam, daam/evaluate.py (`UnsupervisedEvaluator`).
package struct SegmentMatching: Sendable {
  private struct Pair: Hashable {
    let segment: Int
    let label: Int
  }

  private var sums: [Pair: Double] = [:]
  private var counts: [Pair: Int] = [:]

  /// An empty matching.
  package init() {}

  /// Adds the IoU of one segment with one label in one picture.
  package mutating func add(segment: Int, label: Int, intersectionOverUnion: Double) {
    let pair = Pair(segment: segment, label: label)
    sums[pair, default: 0] += intersectionOverUnion
    counts[pair, default: 0] += 1
  }

  /// The label of each segment that has one, by segment; `nil` if an IoU was not finite.
  package var assignment: [(segment: Int, label: Int)]? {
    guard sums.values.allSatisfy(\.isFinite) else { return nil }
    let segments = Set(sums.keys.map(\.segment)).sorted()
    let labels = Set(sums.keys.map(\.label)).sorted()
    let gains = segments.map { segment in
      labels.map { sums[Pair(segment: segment, label: $0)] ?? 0 }
    }
    return LinearAssignment.maximizing(gains).map { (segments[$0.row], labels[$0.column]) }
      .filter { counts[Pair(segment: $0.segment, label: $0.label)] != nil }
  }

  /// The mean IoU of the pairs that belong together; NaN without any, or if an IoU was not finite.
  package var meanIntersectionOverUnion: Double {
    guard let assignment else { return .nan }
    let pairs = assignment.map { Pair(segment: $0.segment, label: $0.label) }
    let sum = pairs.reduce(0) { $0 + (sums[$1] ?? 0) }
    return sum / Double(pairs.reduce(0) { $0 + (counts[$1] ?? 0) })
  }
}
