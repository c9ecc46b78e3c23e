import AttentionAnalysis
import Foundation
import Testing

@Suite("Quartiles")
struct QuartilesTests {
  private struct Golden: Decodable {
    let samples: [Double?]
    let lower, median, upper: Double
    let count: Int
  }

  @Test("Percentiles are numpy.nanpercentile's")
  func numpy() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/quartiles.json")
    let goldens = try JSONDecoder().decode([Golden].self, from: Data(contentsOf: file))
    #expect(goldens.count == 11)
    for golden in goldens {
      let quartiles = try #require(Quartiles(of: golden.samples.map { $0 ?? .nan }))
      #expect(abs(quartiles.lower - golden.lower) < 1e-12)
      #expect(abs(quartiles.median - golden.median) < 1e-12)
      #expect(abs(quartiles.upper - golden.upper) < 1e-12)
      #expect(quartiles.count == golden.count)
    }
  }

  @Test("Of no number there are none")
  func nothing() {
    #expect(Quartiles(of: []) == nil)
    #expect(Quartiles(of: [.nan, .nan]) == nil)
  }
}
