package import TensorEngine

/// Numbers that are the same in every run: SplitMix64 from a seed.
///
/// - Reference: Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
package struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number around 0 with deviation 1, the sum of twelve uniform ones.
  package mutating func normal() -> Double {
    (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
  }

  /// A tensor of such numbers.
  package mutating func tensor(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { _ in Float(normal()) }, shape: shape)
  }
}
