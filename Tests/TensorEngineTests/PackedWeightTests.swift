import TensorEngine
import TestSupport
import Testing

/// Products with a weight that was packed once.
@Suite("Packed weights")
struct PackedWeightTests {
  /// Rows, columns and terms: few and many rows, odd ones, columns that fill no panel or vector, and more terms than
  /// are packed at a time.
  private static let shapes = [
    [1, 512, 512], [12, 600, 512], [13, 512, 512], [50, 768, 514], [121, 514, 768],
    [197, 528, 1100], [242, 1030, 520], [99, 70, 40], [30, 511, 768], [30, 768, 513],
    [481, 130, 66], [130, 130, 1537], [50, 200, 2100],
  ]

  /// `x Wᵀ + b` in double precision.
  private static func expected(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> [Double] {
    let (rows, inner, columns) = (x.shape[0], x.shape[1], weight.shape[0])
    let (left, right) = (x.values.map(Double.init), weight.values.map(Double.init))
    let offsets = bias?.values.map(Double.init) ?? [Double](repeating: 0, count: columns)
    var sums: [Double] = []
    sums.reserveCapacity(rows * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = offsets[column]
        for term in 0..<inner { sum += left[row * inner + term] * right[column * inner + term] }
        sums.append(sum)
      }
    }
    return sums
  }

  @Test(
    "A product is that of the weight, on every instruction set",
    arguments: shapes, InstructionSet.allCases)
  func product(_ shape: [Int], _ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [shape, set] in
      InstructionSet.use(set)
      var random = SeededNumbers(seed: 5)
      let x = random.tensor([shape[0], shape[2]])
      let weight = random.tensor([shape[1], shape[2]])
      let bias = shape[0] % 2 == 0 ? nil : random.tensor([shape[1]])
      let result = x.linear(PackedWeight(Weight(weight)), bias)
      #expect(result.shape == [shape[0], shape[1]])
      let tolerance = set == .amx || set == .split ? 1e-5 : 2e-6
      expectClose(result.values, Self.expected(x, weight, bias), relative: tolerance)
      // Packed once or for this product, it is the same sum.
      #expect(x.linear(Weight(weight), bias).values == result.values)
    }
  }

  @Test("A row's result does not depend on the rows beside it")
  func rows() {
    var random = SeededNumbers(seed: 7)
    let weight = PackedWeight(Weight(random.tensor([600, 1100])))
    let x = random.tensor([394, 1100])
    let whole = x.linear(weight, nil)
    for part in [0..<197, 197..<394, 100..<113] {
      let alone = x.sliced(axis: 0, part).linear(weight, nil)
      #expect(alone.values == whole.sliced(axis: 0, part).values)
    }
  }

  @Test("A result is the same on any number of threads")
  func threads() async {
    await #expect(processExitsWith: .success) {
      var random = SeededNumbers(seed: 6)
      let weight = PackedWeight(Weight(random.tensor([768, 512])))
      let x = random.tensor([1, 197, 512])
      var results: [[Float]] = []
      for threads in [1, 2, 5] {
        Engine.threads = threads
        results.append(x.linear(weight, nil).values)
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }
}
