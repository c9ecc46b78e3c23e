internal import TensorEngine

/// What the UNet's output means.
package enum Prediction: String, Sendable, CaseIterable {
  /// The noise that was added.
  case epsilon
  /// The velocity of Salimans & Ho, Progressive Distillation, ICLR 2022: `√ᾱ ε − √(1−ᾱ) x₀`.
  case velocity = "v_prediction"
  /// The clean sample.
  case sample
}

extension Prediction {
  /// The clean sample that an output stands for, of a sample `signal x₀ + sigma ε`.
  func clean(_ output: Tensor, _ sample: Tensor, signal: Float, sigma: Float) -> Tensor {
    switch self {
    case .epsilon: .combination(1 / signal, sample, -sigma / signal, output)
    case .velocity: .combination(signal, sample, -sigma, output)
    case .sample: output.detached
    }
  }

  /// The same of a sample with the share ᾱ of the clean one's variance.
  func clean(_ output: Tensor, _ sample: Tensor, alpha: Float) -> Tensor {
    clean(output, sample, signal: alpha.squareRoot(), sigma: (1 - alpha).squareRoot())
  }

  /// The noise that an output stands for, of a sample `signal x₀ + sigma ε`.
  func noise(_ output: Tensor, _ sample: Tensor, signal: Float, sigma: Float) -> Tensor {
    switch self {
    case .epsilon: output.detached
    case .velocity: .combination(signal, output, sigma, sample)
    case .sample: .combination(1 / sigma, sample, -signal / sigma, output)
    }
  }
}
