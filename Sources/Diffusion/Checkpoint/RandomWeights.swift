package import TensorEngine

/// Weights drawn from their names: a network of given shapes without a checkpoint.
///
/// Matrices and kernels are uniform with a variance of 1 / fan-in, so that numbers keep their size
/// from layer to layer; norms scale by 1, and offsets are 0.
package struct RandomWeights: Sendable {
  private let seed: UInt64
  private let precision: WeightPrecision

  /// - Parameter seed: another seed gives other weights.
  package init(seed: UInt64, precision: WeightPrecision = .float32) {
    self.seed = seed
    self.precision = precision
  }

  /// A layer's matrix or kernels `name`, in the precision asked for.
  func weight(_ name: String, _ shape: [Int]) -> Weight {
    let numbers = tensor(name, shape)
    return precision == .float32 ? Weight(numbers) : Weight(rounding: numbers)
  }

  /// The weights `name` of the shape `shape`, the same each time.
  package func tensor(_ name: String, _ shape: [Int]) -> Tensor {
    guard shape.count > 1 else {
      return .full(name.hasSuffix("weight") ? 1 : 0, shape: shape)
    }
    let fanIn = shape[1...].reduce(1, *)
    // Uniform numbers in ±a have the variance a² / 3.
    let bound = (3 / Float(fanIn)).squareRoot()
    // FNV-1a of the name.
    let start = name.utf8.reduce(0xCBF2_9CE4_8422_2325 ^ seed) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return .uniform(shape, seed: start, bound: bound)
  }
}
