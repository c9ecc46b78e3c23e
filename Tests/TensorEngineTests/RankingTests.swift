import Foundation
import TensorEngine
import TestSupport
import Testing

@Suite("Ranking")
struct RankingTests {
  @Test(
    "The largest numbers come first, and of equal ones the first", arguments: [1, 3, 7, 40, 90])
  func largest(_ number: Int) {
    // Few values, so that many are equal.
    let values = (0..<60).map { Float(($0 * 37) % 11) }
    let expected = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }.prefix(number)
    let found = values.largest(number)
    #expect(found.map(\.place) == Array(expected))
    #expect(found.map(\.value) == expected.map { values[$0] })
  }

  @Test("The exponentials of a log softmax sum to 1, and differences stay")
  func logSoftmax() {
    let rows: [Float] = [1, 2, 3, -400, 0, 400, 5, 5, 5]
    let result = Tensor(rows, shape: [3, 3]).logSoftmax
    for row in 0..<3 {
      let values = result.values[3 * row..<3 * row + 3].map(Double.init)
      #expect(abs(values.map(exp).reduce(0, +) - 1) < 1e-6)
      #expect(abs(values[1] - values[0] - Double(rows[3 * row + 1] - rows[3 * row])) < 1e-4)
    }
  }
}
