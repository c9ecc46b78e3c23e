/// How well a measure answers a question with yes or no: counts, and shares with their intervals over prompts.
///
/// An end is NaN where a share is not defined of every draw, as the precision is not of draws without a yes.
package struct Classification: Hashable, Sendable {
  /// How often the answers were right and wrong.
  package let matrix: ConfusionMatrix
  /// Of the yes, how many are true.
  package let precision: BootstrapInterval
  /// Of what is true, how much got a yes.
  package let recall: BootstrapInterval
  /// The curve over all thresholds; `nil` where nothing is true, or nothing false.
  package let curve: ROCCurve?
  /// The area below the curve.
  package let area: BootstrapInterval

  /// Counts `samples`; of those whose score is NaN only precision and recall make use.
  package init(of samples: [ClassifiedSample], bootstrap: Bootstrap = Bootstrap()) {
    let sorted = samples.inCanonicalOrder
    let (isPredicted, isTrue) = (sorted.map(\.isPredicted), sorted.map(\.isTrue))
    func matrix(_ places: [Int]) -> ConfusionMatrix {
      var matrix = ConfusionMatrix()
      for place in places {
        matrix.add(isPredicted: isPredicted[place], isTrue: isTrue[place])
      }
      return matrix
    }
    self.matrix = matrix(Array(sorted.indices))
    precision = bootstrap.interval(of: sorted, among: sorted.count) { matrix($0).precision }
    recall = bootstrap.interval(of: sorted, among: sorted.count) { matrix($0).recall }
    curve = ROCCurve(of: samples)
    area = ROCCurve.area(of: samples, bootstrap)
  }
}

extension [ClassifiedSample] {
  /// By prompt, and within each prompt in an order that does not depend on how they came.
  var inCanonicalOrder: [ClassifiedSample] {
    sorted {
      func key(_ sample: ClassifiedSample) -> (String, Double, Int) {
        // A NaN would leave the order open.
        (
          sample.prompt, sample.score.isNaN ? -.infinity : sample.score,
          (sample.score.isNaN ? 0 : 4) + (sample.isTrue ? 2 : 0) + (sample.isPredicted ? 1 : 0)
        )
      }
      return key($0) < key($1)
    }
  }
}

extension Bootstrap {
  /// The interval of a statistic of the samples at some places; `sorted` by prompt, what remains of `count`.
  func interval(
    of sorted: [ClassifiedSample], among count: Int, _ statistic: ([Int]) -> Double
  ) -> BootstrapInterval {
    let clusters = Self.clusters(of: sorted.map(\.prompt))
    let ends = ends(of: clusters, statistic)
    return BootstrapInterval(
      estimate: sorted.isEmpty ? .nan : statistic(Array(sorted.indices)), lower: ends.lower,
      upper: ends.upper, count: sorted.count, clusters: clusters.count,
      leftOut: count - sorted.count)
  }
}
