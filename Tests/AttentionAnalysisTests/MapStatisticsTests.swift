import AttentionAnalysis
import AttentionTrace
import Testing

@Suite("Statistics of maps")
struct MapStatisticsTests {
  let goldens: StatisticsGoldens

  init() throws { goldens = try StatisticsGoldens.read() }

  @Test("Statistics are NumPy's and SciPy's, also of maps that have none")
  func statistics() {
    for golden in goldens.statistics {
      let (actual, expected) = (MapStatistics(of: golden.map.map), golden.expected)
      expectSame(actual.mass, expected.mass, golden.name)
      expectSame(Double(actual.peak.value), Double(Float(expected.largest)), golden.name)
      #expect([actual.peak.row, actual.peak.column] == expected.peak, "\(golden.name)")
      expectSame(actual.entropy, expected.entropy, golden.name)
      expectSame(actual.relativeEntropy, expected.relativeEntropy, golden.name)
      expectSame(actual.concentration, expected.concentration, golden.name)
      expectSame(actual.topShare, expected.topShare, golden.name)
      expectSame(actual.gini, expected.gini, golden.name)
      let center = actual.centerOfMass
      expectSame(center.row, expected.center[0], golden.name)
      expectSame(center.column, expected.center[1], golden.name)
      expectSame(center.share(of: actual.grid).row, expected.centerShare[0], golden.name)
      expectSame(center.share(of: actual.grid).column, expected.centerShare[1], golden.name)
      expectSame(actual.spread, expected.spread, golden.name)
      expectSame(actual.relativeSpread, expected.relativeSpread, golden.name)
    }
  }

  @Test("The radial spectrum is that of NumPy's Fourier transform")
  func spectrum() {
    for golden in goldens.statistics {
      let power = RadialSpectrum(of: golden.map.map).power
      #expect(power.count == golden.expected.spectrum.count, "\(golden.name)")
      let range = golden.expected.spectrum.max() ?? 0
      for (actual, expected) in zip(power, golden.expected.spectrum) {
        // Bins without power hold the rounding of those with.
        let isClose = abs(actual - expected) <= max(1e-9 * range, 1e-6 * expected, 1e-30)
        #expect(isClose || actual.isNaN && expected.isNaN, "\(golden.name)")
      }
    }
  }

  @Test("A wave has its power at its own frequency alone")
  func wave() {
    let grid = Grid(rows: 12, columns: 8)
    let map = AttentionMap(
      grid: grid,
      values: (0..<grid.pixels).map { cell in
        [1, 0, -1, 0][cell % 4] + 5
      })
    // Two cycles over the columns; of the frequencies at distance 2, two have the power.
    let power = RadialSpectrum(of: map).power
    let others = power.enumerated().filter { $0.offset != 2 }.map(\.element)
    let near = (-2...2).flatMap { row in (-2...2).map { (row, $0) } }
      .count { (4...6) ~= $0.0 * $0.0 + $0.1 * $0.1 }
    expectSame(power[2], 2 * 0.25 / Double(near))
    #expect(others.allSatisfy { $0 < 1e-30 })
  }

  @Test("A map without cells has statistics, too")
  func noCells() {
    let map = AttentionMap(grid: Grid(rows: 0, columns: 0), values: [])
    let statistics = MapStatistics(of: map)
    #expect(statistics.mass == 0 && statistics.peak.value.isNaN && statistics.entropy.isNaN)
    #expect(RadialSpectrum(of: map).power.allSatisfy { $0.isNaN })
  }

  @Test("The difference of two maps is told cell by cell and in numbers")
  func difference() {
    let plain = AttentionMap([1, 0], [0, 0], [0, 1])
    let excited = AttentionMap([0, 0], [0, 0], [0, 4])
    let difference = MapDifference(excited: excited, plain: plain)
    #expect(difference.map == AttentionMap([-1, 0], [0, 0], [0, 3]))
    #expect(difference.peak == 3)
    expectSame(difference.entropy, -0.693147180559945)
    #expect(difference.centerShift == MapPoint(row: 1, column: 0.5))
    expectSame(difference.centerDistance, 1.118033988749895)
    expectSame(difference.softJaccard, 0.2)
    let none = MapDifference(excited: excited, plain: AttentionMap([0, 0], [0, 0], [0, 0]))
    #expect(none.peak == 4 && none.entropy.isNaN && none.centerDistance.isNaN)
  }

  @Test("The change from step to step is NumPy's norm of the difference")
  func convergence() {
    let golden = goldens.convergence
    let actual = Convergence(of: golden.maps.map(\.map))
    #expect(actual.changes.count == golden.changes.count)
    #expect(actual.relativeChanges.count == golden.relative.count)
    for (actual, expected) in zip(actual.changes, golden.changes) { expectSame(actual, expected) }
    for (actual, expected) in zip(actual.relativeChanges, golden.relative) {
      expectSame(actual, expected)
    }
    #expect(Convergence(of: []).changes.isEmpty)
    #expect(Convergence(of: [golden.maps[0].map]).changes.isEmpty)
  }
}
