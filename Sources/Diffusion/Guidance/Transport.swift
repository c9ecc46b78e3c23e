internal import TensorEngine

/// The cost of the optimal transport of one distribution to another with an entropic term, by Sinkhorn's
/// iterations, all of which have their part in the gradient.
///
/// - Reference: Cuturi, Sinkhorn Distances, NeurIPS 2013, algorithm 1; the numbers are STORM's.
enum Transport {
  private static let regularization: Float = 0.1
  private static let iterations = 100
  private static let floor: Float = 1e-8

  /// Σ P C of the plan P = diag(u) K diag(v), K = e^(−C / 0.1).
  ///
  /// - Parameters:
  ///   - source: `[pixel]`.
  ///   - target: `[pixel]`.
  ///   - cost: C, `[source pixel, target pixel]`.
  static func cost(from source: Tensor, to target: Tensor, _ cost: Tensor) -> Tensor {
    let side = cost.shape[0]
    let kernel = cost.affine(scale: -1 / regularization).exponential.reshaped([1, side, side])
    let turned = kernel.transposed
    func product(_ vector: Tensor, _ matrix: Tensor) -> Tensor {
      vector.reshaped([1, 1, 1, side]).weighted(matrix, heads: 1).flattened
    }
    var (u, v) = (Tensor.full(1, shape: [side]), Tensor.full(1, shape: [side]))
    for _ in 0..<iterations {
      u = source / product(v, turned).affine(scale: 1, offset: floor)
      v = target / product(u, kernel).affine(scale: 1, offset: floor)
    }
    return (product(u, kernel * cost.reshaped([1, side, side])) * v).sum
  }
}
