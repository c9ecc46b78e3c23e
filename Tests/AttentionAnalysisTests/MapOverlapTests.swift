import AttentionAnalysis
import AttentionTrace
import Testing

@Suite("Overlap of maps")
struct MapOverlapTests {
  let goldens: StatisticsGoldens

  init() throws { goldens = try StatisticsGoldens.read() }

  private static let measures: [(String, @Sendable (MapOverlap) -> Double)] = [
    ("segregation", { $0.segregation }), ("softJaccard", { $0.softJaccard }),
    ("symmetricKL", { $0.symmetricKL }), ("jensenShannon", { $0.jensenShannon }),
    ("jensenShannonDistance", { $0.jensenShannonDistance }), ("cosine", { $0.cosine }),
    ("peakDistance", { $0.peakDistance }), ("centerDistance", { $0.centerDistance }),
  ]

  @Test("Each measure is NumPy's or SciPy's, and is the same both ways")
  func overlap() throws {
    for golden in goldens.pairs {
      let (first, second) = (golden.first.map, golden.second.map)
      for (name, measure) in Self.measures {
        let expected = try #require(golden.expected[name])
        expectSame(measure(MapOverlap(first, second)), expected, "\(name) of \(golden.name)")
        expectSame(measure(MapOverlap(second, first)), expected, "\(name) of \(golden.name)")
      }
    }
  }

  @Test("The closeness of two maps is the measure, with the sign of a divergence changed")
  func closeness() throws {
    for golden in goldens.pairs {
      let expected = golden.expected
      for measure in OverlapMeasure.allCases {
        let value = try #require(expected[measure.rawValue])
        let isDivergence = [.symmetricKL, .jensenShannon].contains(measure)
        expectSame(
          measure.closeness(of: golden.first.map, and: golden.second.map),
          isDivergence ? -value : value, "\(measure) of \(golden.name)")
      }
    }
  }

  @Test("An attribute is bound when it is closer to its noun than to the others")
  func binding() {
    let red = AttentionMap([4, 0, 0, 0])
    let cat = AttentionMap([4, 4, 0, 0])
    let dog = AttentionMap([4, 0, 4, 8])
    let frog = AttentionMap([0, 0, 8, 8])
    // Soft Jaccard: 4/8 with the cat, 4/16 with the dog and 0 with the frog.
    let bound = Binding(of: red, to: cat, others: [dog, frog])
    expectSame(bound.own, 0.5)
    #expect(bound.others == [0.25, 0])
    expectSame(bound.overMean, 0.375)
    expectSame(bound.overLargest, 0.25)
    let leaked = Binding(of: red, to: dog, others: [frog, cat])
    expectSame(leaked.overMean, 0)
    expectSame(leaked.overLargest, -0.25)
    let apart = Binding(of: red, to: cat, others: [frog], by: .jensenShannon)
    #expect(apart.overLargest > 0 && apart.overLargest == apart.overMean)
  }

  @Test("Without another noun, or with a map of nothing, binding is NaN")
  func unbound() {
    let (red, cat) = (AttentionMap([1, 0]), AttentionMap([1, 1]))
    let alone = Binding(of: red, to: cat, others: [])
    #expect(alone.own == 0.5 && alone.overMean.isNaN && alone.overLargest.isNaN)
    let empty = Binding(of: red, to: cat, others: [cat, AttentionMap([0, 0]), red], by: .cosine)
    #expect(empty.overMean.isNaN && empty.overLargest.isNaN)
  }
}
