import Synchronization
import TensorEngine
import TestSupport
import Testing

/// Keeps every record.
private final class Ledger: OperationObserver {
  private let notes = Mutex<[OperationRecord]>([])
  var records: [OperationRecord] { notes.withLock { $0 } }
  func observe(_ record: OperationRecord) { notes.withLock { $0.append(record) } }
}

@Suite("Records of operations")
struct OperationRecordTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let operation: Operation
    let inputs: [[Int]]
    let kind: WorkKind
    /// Multiply-adds counted by hand.
    let forward: Int
    /// With the gradient of every input, and of each alone.
    let pullback: Int
    let alone: [Int]
  }

  private static func zeros(_ shape: Int...) -> Tensor { .full(0, shape: shape) }

  static let cases: [Case] = [
    Case(
      testDescription: "6 rows of 8 through [5, 8]",
      operation: .linear(weight: Weight(zeros(5, 8)), bias: zeros(5)), inputs: [[2, 3, 8]],
      kind: .linear,
      forward: 6 * 5 * 8, pullback: 6 * 5 * 8, alone: [240]),
    Case(
      testDescription: "3x3, stride 2: 6 maps of 4x4 from 4 maps of 8x8",
      operation: .convolution(
        weight: Weight(zeros(6, 4, 3, 3)), bias: nil, stride: 2, padding: Padding(1)),
      inputs: [[1, 4, 8, 8]], kind: .convolution3x3, forward: 6 * 16 * 4 * 9,
      pullback: 6 * 16 * 4 * 9, alone: [3456]),
    Case(
      testDescription: "1x1 on a batch of 2",
      operation: .convolution(
        weight: Weight(zeros(3, 4, 1, 1)), bias: nil, stride: 1, padding: Padding(0)),
      inputs: [[2, 4, 5, 7]], kind: .convolution1x1, forward: 2 * 35 * 3 * 4,
      pullback: 2 * 35 * 3 * 4, alone: [840]),
    Case(
      testDescription: "scores of 16 queries against 5 keys",
      operation: .scores(heads: 2, scale: 1), inputs: [[1, 16, 8], [1, 5, 8]],
      kind: .crossAttention, forward: 16 * 5 * 8, pullback: 2 * 640, alone: [640, 640]),
    Case(
      testDescription: "5 values weighted for 16 queries",
      operation: .weightedValues(heads: 2), inputs: [[1, 2, 16, 5], [1, 5, 8]],
      kind: .crossAttention, forward: 16 * 5 * 8, pullback: 2 * 640, alone: [640, 640]),
    Case(
      testDescription: "self-attention of 16 positions",
      operation: .attention(heads: 2, scale: 1, causal: false),
      inputs: [[1, 16, 8], [1, 16, 8], [1, 16, 8]], kind: .selfAttention,
      forward: 2 * 16 * 16 * 8, pullback: 4 * 2048, alone: [2 * 2048, 2 * 2048, 2048]),
    Case(
      testDescription: "softmax", operation: .softmax(scale: 1), inputs: [[4, 4]], kind: .softmax,
      forward: 0, pullback: 0, alone: [0]),
  ]

  /// The records of one evaluation, and of the gradients of some of its inputs.
  private func records(_ example: Case, gradients: Set<Int>) -> [OperationRecord] {
    let ledger = Ledger()
    let tape = Tape()
    // Gradients reach a node's inputs through one variable.
    let source = tape.variable(.full(0.5, shape: [1]))
    Operation.$observer.withValue(ledger) {
      let inputs = example.inputs.enumerated().map { index, shape in
        gradients.contains(index)
          ? source.upsampled(to: shape) : Tensor.full(0.5, shape: shape)
      }
      let output = example.operation(inputs)
      if output.place != nil { _ = tape.gradient(of: output.sum, withRespectTo: source) }
    }
    return ledger.records.filter { $0.kind == example.kind }
  }

  @Test("Multiply-adds are those counted by hand", arguments: cases)
  func multiplyAdds(_ example: Case) throws {
    let forward = try #require(records(example, gradients: []).first)
    #expect(forward.gradients == nil)
    #expect(forward.inputShapes == example.inputs)
    #expect(forward.multiplyAdds == example.forward)
    let all = records(example, gradients: Set(example.inputs.indices))
    #expect(all.map(\.multiplyAdds) == [example.forward, example.pullback])
    for input in example.inputs.indices {
      let one = records(example, gradients: [input])
      #expect(one.map(\.multiplyAdds) == [example.forward, example.alone[input]])
      #expect(one.last?.gradients == example.inputs.indices.map { $0 == input })
    }
  }

  @Test("Whoever is told of operations changes no bit of them, and is told only while asked")
  func transparent() {
    var random = SeededNumbers(seed: 3)
    let (x, weight) = (random.tensor([2, 6]), random.tensor([4, 6]))
    func gradient() -> [Float] {
      let tape = Tape()
      let v = tape.variable(x)
      return tape.gradient(of: v.linear(Weight(weight), nil).activated(.silu).sum, withRespectTo: v)
        .values
    }
    let plain = gradient()
    let ledger = Ledger()
    let observed = Operation.$observer.withValue(ledger) { gradient() }
    #expect(plain == observed)
    let seen = ledger.records.count
    #expect(seen == 6)
    _ = gradient()
    #expect(ledger.records.count == seen)
  }
}

extension Tensor {
  /// One number spread over a shape, on this tensor's tape.
  fileprivate func upsampled(to shape: [Int]) -> Tensor {
    reshaped([1, 1, 1, 1]).upsampledNearest(rows: shape.reduce(1, *), columns: 1).reshaped(shape)
  }
}
