internal import TensorEngine

/// Intervals of statistics over seeds: samples are drawn again with replacement, many times, and the
/// percentiles of the statistic over these draws are the interval's ends.
///
/// The draws are those of NumPy: `RandomState(seed).random_sample((resamples, n))`, times n, rounded
/// down, are the places of each draw's samples; the ends are `numpy.percentile`'s, by its linear
/// method. They are the same on every machine.
///
/// Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
public struct Bootstrap: Hashable, Sendable {
  /// How many times samples are drawn again.
  public let resamples: Int
  /// The share of the draws' statistics that lies within the interval, the same beyond each end.
  public let level: Double
  /// The seed of the draws.
  public let seed: UInt32

  /// A bootstrap of `resamples` draws, with an interval at `level`.
  /// - Precondition: `resamples` is at least 1, and `level` lies between 0 and 1.
  public init(resamples: Int = 10_000, level: Double = 0.95, seed: UInt32 = 0) {
    guard resamples >= 1 else { bug("\(resamples) resamples") }
    guard level > 0 && level < 1 else { bug("a level of \(level)") }
    self.resamples = resamples
    self.level = level
    self.seed = seed
  }

  /// The interval of the arithmetic mean of `samples`; those that are NaN are left out.
  public func interval(of samples: [Double]) -> BootstrapInterval {
    interval(of: samples) { $0.reduce(0, +) / Double($0.count) }
  }

  /// The interval of a `statistic` of `samples`; those that are NaN are left out.
  ///
  /// If the statistic of any draw is NaN, so are the ends.
  public func interval(
    of samples: [Double], statistic: ([Double]) throws -> Double
  ) rethrows -> BootstrapInterval {
    let kept = samples.filter { !$0.isNaN }
    let ends = try ends(of: kept, statistic)
    return BootstrapInterval(
      estimate: kept.isEmpty ? .nan : try statistic(kept), lower: ends.lower, upper: ends.upper,
      count: kept.count, clusters: nil, leftOut: samples.count - kept.count)
  }

  /// The interval of the mean of `later` − `earlier` over `pairs`, as of one seed with and without
  /// excitation; a pair with a NaN is left out.
  public func pairedDifference(
    of pairs: [(earlier: Double, later: Double)]
  ) -> BootstrapInterval {
    interval(of: pairs.map { $0.later - $0.earlier })
  }

  private func ends(
    of samples: [Double], _ statistic: ([Double]) throws -> Double
  ) rethrows -> (lower: Double, upper: Double) {
    guard samples.count > 1 else { return (.nan, .nan) }
    var draw = samples
    return try ends { source in
      for place in draw.indices { draw[place] = samples[source.place(below: samples.count)] }
      return try statistic(draw)
    }
  }

  /// The ends of the interval of what `draw` makes of each resample; NaN if it makes NaN of any.
  func ends(
    _ draw: (inout NumpyRandomSource) throws -> Double
  ) rethrows -> (lower: Double, upper: Double) {
    var source = NumpyRandomSource(seed: seed)
    var results: [Double] = []
    results.reserveCapacity(resamples)
    for _ in 0..<resamples { results.append(try draw(&source)) }
    guard !results.contains(where: \.isNaN) else { return (.nan, .nan) }
    results.sort()
    let beyond = (1 - level) / 2
    return (
      Quartiles.quantile(beyond, of: results), Quartiles.quantile(1 - beyond, of: results)
    )
  }
}
