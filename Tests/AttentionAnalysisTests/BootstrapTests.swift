import AttentionAnalysis
import Testing

@Suite("Bootstrap")
struct BootstrapTests {
  let goldens: StatisticsGoldens

  init() throws { goldens = try StatisticsGoldens.read() }

  private static func median(_ samples: [Double]) -> Double {
    let sorted = samples.sorted()
    let (lower, upper) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    return (lower + upper) / 2
  }

  @Test("Intervals are those of NumPy's draws and percentiles")
  func intervals() {
    for golden in goldens.bootstrap {
      let bootstrap = Bootstrap(
        resamples: golden.resamples, level: golden.level, seed: golden.seed)
      let actual =
        golden.statistic == "median"
        ? bootstrap.interval(of: golden.samples, statistic: Self.median)
        : bootstrap.interval(of: golden.samples)
      expectSame(actual, golden.expected, "\(golden.statistic) of \(golden.samples)")
    }
  }

  @Test("A paired difference is the interval of the differences, and leaves pairs with NaN out")
  func pairedDifference() {
    let pairs = [(1.0, 1.5), (2.0, 2.25), (.nan, 1.0), (0.5, 1.5), (1.0, .nan)]
    let bootstrap = Bootstrap(resamples: 500, seed: 5)
    let actual = bootstrap.pairedDifference(of: pairs.map { (earlier: $0.0, later: $0.1) })
    let expected = bootstrap.interval(of: [0.5, 0.25, 1])
    #expect(actual.lower == expected.lower && actual.upper == expected.upper)
    #expect(actual.estimate == expected.estimate)
    #expect(actual.count == 3 && actual.leftOut == 2)
    #expect(actual.lower >= 0.25 && actual.lower < actual.upper && actual.upper <= 1)
  }

  @Test("An interval is NaN where the statistic of a draw is")
  func undefinedStatistic() {
    let interval = Bootstrap(resamples: 200).interval(of: [1, 2, 3]) { draw in
      draw.contains(2) ? 1 : .nan
    }
    #expect(interval.estimate == 1 && interval.lower.isNaN && interval.upper.isNaN)
  }
}
