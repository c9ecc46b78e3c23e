import CKernels
import TensorEngine
import TestSupport
import Testing

@Suite("Every operation")
struct OperationTests {
  @Test("has a test case")
  func coverage() {
    let tried = Set(OperationCase.all.map(\.operation.kind))
    #expect(Set(OperationKind.allCases).subtracting(tried).isEmpty)
  }

  @Test("agrees with its definition", arguments: OperationCase.all)
  func forward(_ test: OperationCase) {
    let result = test.operation(test.inputs)
    let expected = test.operation.naive(test.inputs.map(NaiveTensor.init))
    #expect(result.shape == expected.shape)
    expectClose(result.values, expected.values, relative: test.currentTolerance)
  }

  @Test("has the gradient of its definition", arguments: OperationCase.all)
  func gradient(_ test: OperationCase) {
    for input in test.inputs.indices {
      let gradient = test.gradient(input)
      #expect(gradient.shape == test.inputs[input].shape)
      test.expectDifferences(gradient, input)
    }
  }

  // In a process of its own: the instruction set is the whole process's.
  @Test(
    "gives the same with every instruction set", arguments: InstructionSet.allCases.dropFirst())
  func instructionSets(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      for test in OperationCase.all {
        InstructionSet.use(.baseline)
        let expected = test.resultAndGradients()
        InstructionSet.use(set)
        for (actual, expected) in zip(test.resultAndGradients(), expected) {
          expectClose(
            actual, expected, relative: set.isSplit ? 5e-5 : test.tolerance,
            absolute: set.isSplit ? 2e-5 : 1e-6, "\(set): \(test.testDescription)")
        }
      }
    }
  }
}

extension OperationCase {
  /// The tolerance with the instruction set of this machine: split factors keep fewer digits.
  var currentTolerance: Double {
    InstructionSet.current.isSplit ? max(tolerance, 5e-5) : tolerance
  }

  /// Weights that make a number of the output, so that it has a gradient.
  private func functional(_ shape: [Int]) -> Tensor {
    var random = SeededNumbers(seed: 77)
    return random.tensor(shape)
  }

  /// The engine's gradient of that number with respect to an input, the only variable.
  func gradient(_ input: Int) -> Tensor {
    let tape = Tape()
    var taped = inputs
    taped[input] = tape.variable(inputs[input])
    let output = operation(taped)
    return tape.gradient(
      of: (output * functional(output.shape)).sum, withRespectTo: taped[input])
  }

  func resultAndGradients() -> [Tensor] { [operation(inputs)] + inputs.indices.map(gradient) }

  /// Expects `gradient` to be what differences of the definition over four points give, by itself
  /// for some numbers of an input and along random directions for all of them.
  func expectDifferences(_ gradient: Tensor, _ input: Int) {
    let naive = inputs.map(NaiveTensor.init)
    let weights = functional(operation.naive(naive).shape).values.map(Double.init)
    let slopes = gradient.values.map(Double.init)
    var random = SeededNumbers(seed: 78)

    func difference(_ direction: [Double]) -> Double {
      let h = 1e-3
      let f = [-2, -1, 1, 2].map { steps in
        var moved = naive
        for index in direction.indices where direction[index] != 0 {
          moved[input].values[index] += steps * h * direction[index]
        }
        return zip(operation.naive(moved).values, weights).reduce(0) { $0 + $1.0 * $1.1 }
      }
      return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
    }

    let count = slopes.count
    let places =
      count <= 40
      ? Array(0..<count)
      : [0, count - 1] + (0..<10).map { _ in Int.random(in: 0..<count, using: &random) }
    let range = slopes.reduce(0) { max($0, abs($1)) }
    let noise = InstructionSet.current.isSplit ? 5e-5 : 1e-6
    expectClose(
      places.map { Float(slopes[$0]) },
      places.map { place in
        difference((0..<count).map { $0 == place ? 1 : 0 })
      }, relative: 0, absolute: currentTolerance * range + noise, "numbers \(places)")
    for _ in 0..<2 {
      let direction = (0..<count).map { _ in random.normal() / Double(count).squareRoot() }
      let along = zip(direction, slopes).reduce(0) { $0 + $1.0 * $1.1 }
      expectClose(
        [Float(along)], [difference(direction)], relative: currentTolerance,
        absolute: currentTolerance * range + noise, "along a direction")
    }
  }
}
