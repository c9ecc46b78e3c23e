internal import TensorEngine

/// Dynamic thresholding: a clean sample is cut at a quantile of its own magnitudes, and divided by it.
///
/// - Reference: Saharia et al., Imagen, NeurIPS 2022, section 2.3; diffusers `scheduling_ddim.py`,
///   `_threshold_sample`.
struct DynamicThreshold: Sendable, Equatable {
  /// The quantile, 0…1.
  let ratio: Double
  /// The largest cut.
  let largest: Float

  func applied(to sample: Tensor) -> Tensor {
    let sorted = sample.values.map(abs).sorted()
    let rank = Float(ratio) * Float(sorted.count - 1)
    let below = Int(rank)
    let above = min(below + 1, sorted.count - 1)
    let quantile = sorted[below] + (sorted[above] - sorted[below]) * (rank - Float(below))
    let cut = min(max(quantile, 1), largest)
    return Tensor(sample.values.map { min(max($0, -cut), cut) / cut }, shape: sample.shape)
  }
}
