import TensorEngine
import TestSupport
import Testing

@Suite("A tape")
struct TapeTests {
  private let x = Tensor([1, -2, 3, 0.5], shape: [2, 2])

  @Test("adds up the gradients of a value that is used twice")
  func twoUses() {
    let tape = Tape()
    let v = tape.variable(x)
    let loss = (v * v + v.affine(scale: 3)).sum
    #expect(tape.gradient(of: loss, withRespectTo: v).values == x.values.map { 2 * $0 + 3 })
  }

  @Test("adds up the gradients of one value as queries, keys and values")
  func attentionToItself() {
    var random = SeededNumbers(seed: 1)
    let (value, weights) = (random.tensor([1, 5, 4]), random.tensor([1, 5, 4]))
    let operation = Operation.attention(heads: 2, scale: 0.5, causal: false)
    let tape = Tape()
    let v = tape.variable(value)
    let whole = tape.gradient(of: (operation(v, v, v) * weights).sum, withRespectTo: v)
    var sum = [Double](repeating: 0, count: value.count)
    for input in 0..<3 {
      let tape = Tape()
      var inputs = [value, value, value]
      inputs[input] = tape.variable(value)
      let part = tape.gradient(
        of: (operation(inputs) * weights).sum, withRespectTo: inputs[input])
      sum = zip(sum, part.values).map { $0 + Double($1) }
    }
    expectClose(whole.values, sum, relative: 1e-6)
  }

  @Test("follows a quotient to the bits of its logarithms where divisors are positive")
  func quotient() {
    var random = SeededNumbers(seed: 3)
    let value = random.tensor([7, 5])
    let divisors = Tensor(random.tensor([5]).values.map { abs($0) + 1e-3 }, shape: [5])
    let ways: [(Tensor, Tensor) -> Tensor] = [
      { $0 / $1 }, { $0 * $1.logarithm.affine(scale: -1).exponential },
    ]
    for input in 0..<2 {
      let results = ways.map { way in
        let tape = Tape()
        var inputs = [value, divisors]
        inputs[input] = tape.variable(inputs[input])
        let result = way(inputs[0], inputs[1])
        let gradient = tape.gradient(of: (result * value).sum, withRespectTo: inputs[input])
        return (result.values + gradient.values).map(\.bitPattern)
      }
      #expect(results[0] == results[1])
    }
  }

  @Test("is not written to by what depends on no variable")
  func constants() {
    let tape = Tape()
    let v = tape.variable(x)
    let constant = (x * x).activated(.silu).sum
    #expect(constant.place == nil)
    #expect(tape.nodeCount == 1)
    _ = v.detached * v.detached
    #expect(tape.nodeCount == 1)
    _ = v * x
    #expect(tape.nodeCount == 2)
  }

  @Test("gives zero as the gradient of a constant")
  func constantLoss() {
    let tape = Tape()
    let v = tape.variable(x)
    let gradient = tape.gradient(of: (x * x).sum, withRespectTo: v)
    #expect(gradient.shape == [2, 2])
    #expect(gradient.values == [0, 0, 0, 0])
  }

  @Test("gives zero for a variable made after the loss")
  func laterVariable() {
    let tape = Tape()
    let loss = tape.variable(x).sum
    let later = tape.variable(x)
    #expect(tape.gradient(of: loss, withRespectTo: later).values == [0, 0, 0, 0])
  }

  @Test("walks only the path between the variable and the loss")
  func pruning() {
    let tape = Tape()
    let other = tape.variable(x)  // 0
    let v = tape.variable(x)  // 1
    let fromOther = other.activated(.silu)  // 2
    let both = v * fromOther  // 3
    _ = both.activated(.gelu)  // 4, which the loss does not depend on
    let loss = both.sum  // 5
    #expect(tape.path(from: v, to: loss) == [1, 3, 5])
    #expect(
      tape.gradient(of: loss, withRespectTo: v).values == fromOther.values)
  }

  @Test("gives the gradient with respect to a value on the way")
  func intermediate() {
    let tape = Tape()
    let squares = tape.variable(x) * x
    let loss = (squares * squares).sum
    #expect(
      tape.gradient(of: loss, withRespectTo: squares).values == squares.values.map { 2 * $0 })
  }

  @Test("gives one as the gradient of a variable by itself")
  func itself() {
    let tape = Tape()
    let v = tape.variable(.scalar(7))
    #expect(tape.gradient(of: v, withRespectTo: v).item == 1)
  }

  @Test("writes nothing more once its gradient is taken")
  func consumed() {
    let tape = Tape()
    let v = tape.variable(x)
    _ = tape.gradient(of: v.sum, withRespectTo: v)
    #expect(tape.nodeCount == 0)
    #expect((v * v).place == nil)
  }

  @Test("frees what it kept when its gradient is taken")
  func memory() {
    let tape = Tape()
    let v = tape.variable(x)
    weak var kept: Storage?
    let loss: Tensor
    do {
      let middle = v.activated(.silu)
      kept = middle.storage
      loss = (middle * middle).sum
    }
    #expect(kept != nil)
    _ = tape.gradient(of: loss, withRespectTo: v)
    #expect(kept == nil)
  }

  @Test("holds a chain of 50,000 operations, and lets go of it")
  func longChain() {
    let tape = Tape()
    let v = tape.variable(.scalar(1))
    var value = v
    for _ in 0..<50_000 { value = value.affine(scale: 1, offset: 1) }
    #expect(value.item == 50_001)
    #expect(tape.nodeCount == 50_001)
    #expect(tape.gradient(of: value, withRespectTo: v).item == 1)
  }

  @Test("goes away with 50,000 operations on it")
  func longChainDropped() {
    weak var dropped: Tape?
    do {
      let tape = Tape()
      dropped = tape
      var value = tape.variable(.scalar(1))
      for _ in 0..<50_000 { value = value + value.detached }
    }
    #expect(dropped == nil)
  }
}

@Suite("A wrong call ends the process")
struct TrapTests {
  private static let x = Tensor.full(1, shape: [2, 3])

  @Test("for a linear layer of another width")
  func linear() async {
    await #expect(processExitsWith: .failure) {
      _ = Self.x.linear(Weight(.full(1, shape: [4, 2])), nil)
    }
    await #expect(processExitsWith: .failure) {
      _ = Self.x.linear(Weight(.full(1, shape: [4, 3])), .full(1, shape: [3]))
    }
  }

  @Test("for a convolution of other channels, of another bias, or of a picture below its kernel")
  func convolution() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor.full(1, shape: [1, 2, 4, 4])
        .convolution(Weight(.full(1, shape: [3, 1, 3, 3])), nil, padding: Padding(1))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.full(1, shape: [1, 2, 4, 4])
        .convolution(
          Weight(.full(1, shape: [3, 2, 3, 3])), .full(1, shape: [2]), padding: Padding(1))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.full(1, shape: [1, 2, 2, 4])
        .convolution(Weight(.full(1, shape: [3, 2, 3, 3])), nil, padding: Padding(0))
    }
  }

  @Test("for heads that do not divide the width")
  func heads() async {
    await #expect(processExitsWith: .failure) {
      let q = Tensor.full(1, shape: [1, 2, 5])
      _ = q.attention(keys: q, values: q, heads: 2, scale: 1)
    }
  }

  @Test("for groups that do not divide the channels")
  func groups() async {
    await #expect(processExitsWith: .failure) {
      let scale = Tensor.full(1, shape: [3])
      _ = Self.x.groupNorm(gamma: scale, beta: scale, groups: 2, epsilon: 1e-5, silu: false)
    }
  }

  @Test("for a sum and a product of shapes that do not match")
  func arithmetic() async {
    await #expect(processExitsWith: .failure) { _ = Self.x + Tensor.full(1, shape: [2]) }
    await #expect(processExitsWith: .failure) { _ = Self.x * Tensor.full(1, shape: [2]) }
  }

  @Test("for a shape of another size, a slice beyond the end, a reflection wider than the map")
  func layout() async {
    await #expect(processExitsWith: .failure) { _ = Self.x.reshaped([5]) }
    await #expect(processExitsWith: .failure) { _ = Self.x.sliced(axis: 1, 1..<4) }
    await #expect(processExitsWith: .failure) { _ = Self.x.reflectPadded(2) }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.concatenated([Self.x, .full(1, shape: [3, 2])], axis: 0)
    }
  }

  @Test("for a second gradient, one of many numbers, and one over two tapes")
  func tape() async {
    await #expect(processExitsWith: .failure) {
      let tape = Tape()
      let v = tape.variable(Self.x)
      let loss = v.sum
      _ = tape.gradient(of: loss, withRespectTo: v)
      _ = tape.gradient(of: loss, withRespectTo: v)
    }
    await #expect(processExitsWith: .failure) {
      let tape = Tape()
      let v = tape.variable(Self.x)
      _ = tape.gradient(of: v, withRespectTo: v)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tape().variable(Self.x) * Tape().variable(Self.x)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tape().gradient(of: Self.x.sum, withRespectTo: Self.x)
    }
  }
}
