import AttentionAnalysis
import Testing

@Suite("Assignment")
struct LinearAssignmentTests {
  let goldens: StatisticsGoldens

  init() throws { goldens = try StatisticsGoldens.read() }

  private func sum(_ pairs: [(row: Int, column: Int)], of costs: [[Double]]) -> Double {
    pairs.reduce(0) { $0 + costs[$1.row][$1.column] }
  }

  @Test("An assignment costs and gains what SciPy's does, on matrices of any shape")
  func optimum() {
    for golden in goldens.assignments {
      let costs = golden.costs
      let pairs = LinearAssignment.minimizing(costs)
      #expect(pairs.count == min(costs.count, costs[0].count))
      #expect(Set(pairs.map(\.row)).count == pairs.count)
      #expect(Set(pairs.map(\.column)).count == pairs.count)
      #expect(pairs.map(\.row) == pairs.map(\.row).sorted())
      expectSame(sum(pairs, of: costs), golden.smallest, "\(costs)")
      expectSame(sum(LinearAssignment.maximizing(costs), of: costs), golden.largest, "\(costs)")
      if let columns = golden.columns { #expect(pairs.map(\.column) == columns, "\(costs)") }
    }
  }

  @Test(
    "A matrix without rows or columns has no pairs", arguments: [[], [[], []]] as [[[Double]]])
  func empty(costs: [[Double]]) {
    #expect(LinearAssignment.minimizing(costs).isEmpty)
  }

  @Test("Unlabelled segments get the labels and the mean IoU that DAAM's evaluator gives them")
  func matching() throws {
    var matching = SegmentMatching()
    for entry in goldens.matching.entries {
      matching.add(
        segment: Int(entry[0]), label: Int(entry[1]), intersectionOverUnion: entry[2])
    }
    let assignment = try #require(matching.assignment)
    #expect(assignment.map { [$0.segment, $0.label] } == goldens.matching.assignment)
    expectSame(matching.meanIntersectionOverUnion, goldens.matching.mean)
  }

  @Test("A matching of nothing is NaN, and so is one with an IoU of NaN")
  func undefined() {
    var matching = SegmentMatching()
    #expect(matching.assignment?.isEmpty == true && matching.meanIntersectionOverUnion.isNaN)
    matching.add(segment: 3, label: -1, intersectionOverUnion: 0.5)
    #expect(matching.meanIntersectionOverUnion == 0.5)
    matching.add(segment: 3, label: 2, intersectionOverUnion: .nan)
    #expect(matching.assignment == nil && matching.meanIntersectionOverUnion.isNaN)
  }
}
