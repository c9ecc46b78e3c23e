import AttentionAnalysis
import Testing

@Suite("Intervals over prompts, and agreement")
struct AgreementTests {
  let goldens: AgreementGoldens

  init() throws { goldens = try AgreementGoldens.read() }

  private func expectSame(
    _ actual: BootstrapInterval, _ expected: AgreementGoldens.Interval,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (actual, expected) in [
      (actual.estimate, expected.estimate), (actual.lower, expected.lower),
      (actual.upper, expected.upper),
    ] {
      AttentionAnalysisTests.expectSame(actual, expected, sourceLocation: sourceLocation)
    }
    #expect(actual.count == expected.count, sourceLocation: sourceLocation)
    #expect(actual.clusters == expected.clusters, sourceLocation: sourceLocation)
    #expect(actual.leftOut == expected.leftOut, sourceLocation: sourceLocation)
  }

  @Test("Means over prompts and seeds have the intervals of NumPy's draws, in any order")
  func means() {
    #expect(goldens.means.count == 8)
    for golden in goldens.means {
      let bootstrap = Bootstrap(
        resamples: golden.resamples, level: golden.level, seed: golden.seed)
      let samples = golden.samples.map(\.sample)
      expectSame(bootstrap.interval(of: samples), golden.expected)
      expectSame(bootstrap.interval(of: samples.reversed()), golden.expected)
    }
  }

  @Test("With one picture a prompt, the interval nears the normal one; with copies of it, it stays")
  func limits() {
    let values = (0..<400).map { Double(($0 * 7919) % 1000) / 1000 }
    func samples(_ copies: UInt64) -> [PictureSample] {
      values.enumerated().flatMap { place, value in
        (0..<copies).map { PictureSample(prompt: "\(place)", seed: $0, value: value) }
      }
    }
    let mean = values.reduce(0, +) / 400
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 400).squareRoot()
    let half = 1.959_964 * deviation / 20
    for copies in [1, 5] as [UInt64] {
      let interval = Bootstrap(resamples: 5000).interval(of: samples(copies))
      #expect(abs(interval.lower - (mean - half)) < 0.06 * half, "\(interval)")
      #expect(abs(interval.upper - (mean + half)) < 0.06 * half, "\(interval)")
      #expect(interval.count == 400 * Int(copies) && interval.clusters == 400)
    }
    let single = Bootstrap(resamples: 5000).interval(of: samples(5).map(\.value))
    #expect(single.upper - single.lower < half)
  }

  @Test("A paired difference is that of the same prompts and seeds, and leaves the others out")
  func paired() {
    func samples(_ values: [(String, UInt64, Double)]) -> [PictureSample] {
      values.map { PictureSample(prompt: $0.0, seed: $0.1, value: $0.2) }
    }
    let earlier = samples([("a", 0, 1), ("a", 1, 2), ("b", 0, 4), ("b", 1, .nan), ("c", 0, 9)])
    let later = samples([("b", 0, 4.5), ("a", 1, 1), ("a", 0, 3), ("b", 1, 1), ("d", 0, 9)])
    let bootstrap = Bootstrap(resamples: 300, seed: 4)
    let actual = bootstrap.pairedDifference(earlier: earlier, later: later)
    let expected = bootstrap.interval(of: samples([("a", 0, 2), ("a", 1, -1), ("b", 0, 0.5)]))
    #expect(actual.estimate == 0.5 && actual.count == 3 && actual.clusters == 2)
    #expect(actual.leftOut == 3)
    #expect(actual.lower == expected.lower && actual.upper == expected.upper)
    let itself = bootstrap.pairedDifference(earlier: earlier, later: earlier)
    #expect(itself.estimate == 0 && itself.lower == 0 && itself.upper == 0)
  }

  @Test("Answers of people to questions have the intervals of NumPy's draws of both")
  func crossed() {
    #expect(goldens.crossed.count == 2)
    for golden in goldens.crossed {
      let bootstrap = Bootstrap(
        resamples: golden.resamples, level: golden.level, seed: golden.seed)
      expectSame(bootstrap.crossedInterval(of: golden.samples), golden.expected)
    }
    let one = Bootstrap(resamples: 10).crossedInterval(of: [[0, 1]])
    #expect(one.estimate == 0.5 && one.lower.isNaN && one.upper.isNaN && one.count == 2)
    #expect(Bootstrap(resamples: 10).crossedInterval(of: []).estimate.isNaN)
  }

  @Test("Fleiss' kappa is 0.430 in his example, and statsmodels' in others")
  func kappa() throws {
    #expect(goldens.kappa.count == 4)
    for golden in goldens.kappa {
      let kappa = try #require(FleissKappa(counts: golden.counts))
      #expect(abs(kappa.value - golden.kappa) < 1e-12)
    }
    let example = try #require(FleissKappa(counts: goldens.kappa[0].counts))
    #expect(example.items == 30 && example.ratings == 6)
    let interval = FleissKappa.interval(
      counts: goldens.kappa[0].counts, Bootstrap(resamples: 2000))
    #expect(interval.estimate == example.value && interval.count == 30)
    // Fleiss gives a standard error of 0.013 for no agreement; over patients it is larger.
    #expect(interval.lower < 0.43 && interval.lower > 0.25)
    #expect(interval.upper > 0.43 && interval.upper < 0.60)
    #expect((example.value * 1000).rounded() == 430)
    #expect((example.agreement * 1000).rounded() == 556)
    #expect((example.chance * 1000).rounded() == 220)
  }

  @Test("Fleiss' kappa is not defined of one rating, of uneven ratings, nor of one category")
  func undefinedKappa() throws {
    for counts in [[], [[1, 0]], [[2, 0], [1, 0]], [[2, 0], [1, 1, 0]]] as [[[Int]]] {
      #expect(FleissKappa(counts: counts) == nil, "\(counts)")
    }
    #expect(try #require(FleissKappa(counts: [[3, 0], [3, 0]])).value.isNaN)
  }

  @Test("Curve, area, precision and recall are scikit-learn's, with the intervals of NumPy's draws")
  func classification() throws {
    #expect(goldens.classified.count == 3)
    for golden in goldens.classified {
      let bootstrap = Bootstrap(resamples: golden.resamples, seed: golden.seed)
      let found = Classification(
        of: golden.samples.map(\.sample).reversed(), bootstrap: bootstrap)
      expectSame(found.area, golden.area)
      expectSame(found.precision, golden.precision)
      expectSame(found.recall, golden.recall)
      let curve = try #require(found.curve)
      #expect(curve.points.count == golden.curve.count)
      for (point, row) in zip(curve.points, golden.curve) {
        #expect(point.threshold == row[0])
        #expect(abs(point.falsePositiveRate - row[1]) < 1e-12)
        #expect(abs(point.truePositiveRate - row[2]) < 1e-12)
      }
      #expect(abs(curve.area - golden.area.estimate) < 1e-12)
    }
  }

  @Test("The area is the share of pairs in which the true sample has the higher score, ties half")
  func pairs() throws {
    var state = UInt64(1)
    for levels in [2, 5, 1000] as [UInt64] {
      let samples = (0..<60).map { place in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return ClassifiedSample(
          prompt: "\(place / 4)", score: Double((state >> 33) % levels), isPredicted: true,
          isTrue: (state >> 20) % 3 == 0)
      }
      let (yes, no) = (samples.filter(\.isTrue), samples.filter { !$0.isTrue })
      let wins = yes.flatMap { one in
        no.map { one.score > $0.score ? 1 : one.score == $0.score ? 0.5 : 0 }
      }
      let area = try #require(ROCCurve(of: samples)).area
      #expect(abs(area - wins.reduce(0, +) / Double(wins.count)) < 1e-12)
    }
  }

  @Test("Without a true and a false sample there is no curve, and a score that is NaN is left out")
  func noCurve() {
    func sample(_ score: Double, _ isTrue: Bool) -> ClassifiedSample {
      ClassifiedSample(prompt: "a", score: score, isPredicted: true, isTrue: isTrue)
    }
    #expect(ROCCurve(of: []) == nil && ROCCurve(of: [sample(1, true), sample(.nan, false)]) == nil)
    let found = Classification(of: [sample(1, true), sample(.nan, false)])
    #expect(found.area.estimate.isNaN && found.area.leftOut == 1 && found.area.count == 1)
    #expect(found.precision.estimate == 0.5 && found.precision.count == 2)
    #expect(found.matrix.falsePositives == 1 && found.recall.estimate == 1)
  }
}
