internal import TensorEngine

/// How far apart two maps are; all maps `[pixel]`, all results scalars.
enum MapDistance {
  /// Below this a probability is taken for it, so that a logarithm and its slope are finite.
  static let floor: Float = 1e-10

  /// Σ p log(p / q), with probabilities below `floor` taken for it in the logarithms.
  static func divergence(_ p: Tensor, _ q: Tensor, floor: Float = floor) -> Tensor {
    (p * (p.floored(at: floor).logarithm - q.floored(at: floor).logarithm)).sum
  }

  /// ½ [KL(p ‖ q) + KL(q ‖ p)].
  static func symmetricDivergence(_ p: Tensor, _ q: Tensor, floor: Float = floor) -> Tensor {
    (divergence(p, q, floor: floor) + divergence(q, p, floor: floor)).affine(scale: 0.5)
  }

  /// Jensen and Shannon's: ½ [KL(p ‖ m) + KL(q ‖ m)] with m = ½ (p + q).
  static func jensenShannon(_ p: Tensor, _ q: Tensor) -> Tensor {
    let middle = (p + q).affine(scale: 0.5)
    return (divergence(p, middle) + divergence(q, middle)).affine(scale: 0.5)
  }

  /// ⟨a, b⟩ / (‖a‖ ‖b‖); 0 if one is all zero.
  static func cosineSimilarity(_ a: Tensor, _ b: Tensor) -> Tensor {
    let squares = (a * a).sum.floored(at: 1e-16) * (b * b).sum.floored(at: 1e-16)
    return (a * b).sum / squares.floored(at: 1e-32).squareRoot
  }

  /// Σ min(a, b) / Σ (a + b), in 0…½.
  static func sharedMass(_ a: Tensor, _ b: Tensor) -> Tensor {
    Tensor.lesser(a, b).sum / (a + b).sum.floored(at: floor)
  }
}

extension Tensor {
  /// Numbers that are not negative, over their sum; 0 everywhere if all are.
  var distribution: Tensor { self / sum.floored(at: MapDistance.floor) }

  /// The numbers brought to 0…1, the least to 0 and the largest to 1; all 0 if they are equal.
  var stretched: Tensor {
    let least = affine(scale: -1).maximum.affine(scale: -1)
    let raised = self - least
    return raised / raised.maximum.floored(at: MapDistance.floor)
  }
}
