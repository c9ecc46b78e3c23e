private import Foundation
internal import TensorEngine

/// How noise levels are spaced between the largest and the least.
package enum SigmaSpacing: String, Sendable, CaseIterable {
  /// The levels of the timesteps themselves.
  case trained
  /// Evenly in σ^(1/7): Karras et al., Elucidating the Design Space of Diffusion-Based Generative
  /// Models, NeurIPS 2022, equation 5.
  case karras
  /// Evenly in log σ.
  case exponential
  /// By the quantiles of the Beta(0.6, 0.6) distribution: Lee et al., Beta Sampling is All You Need,
  /// arXiv 2407.12173.
  case beta
  /// Evenly in the log-SNR: Lu et al., DPM-Solver, NeurIPS 2022.
  case lu

  /// The spacings that a run can choose.
  package static let choices: [SigmaSpacing] = [.trained, .karras, .exponential, .beta]

  /// The configuration's key that asks for it.
  var key: String? {
    switch self {
    case .trained: nil
    case .karras: "use_karras_sigmas"
    case .exponential: "use_exponential_sigmas"
    case .beta: "use_beta_sigmas"
    case .lu: "use_lu_lambdas"
    }
  }

  /// Levels from `largest` down to `least`.
  /// - Precondition: it is not ``trained``, which has its levels from times.
  func levels(from largest: Double, to least: Double, count: Int) -> [Double] {
    let ramp = (0..<count).map { count > 1 ? Double($0) / Double(count - 1) : 0 }
    switch self {
    case .trained: bug("levels of times")
    case .karras:
      let (high, low) = (pow(largest, 1.0 / 7), pow(least, 1.0 / 7))
      return ramp.map { pow(high + $0 * (low - high), 7) }
    case .exponential: return ramp.map { exp(log(largest) + $0 * (log(least) - log(largest))) }
    case .lu:
      // The logarithms are rounded to float32 there, and times are cut to whole ones after them.
      let (high, low) = (Double(log(Float(largest))), Double(log(Float(least))))
      return ramp.map { exp(high + $0 * (low - high)) }
    case .beta:
      let distribution = BetaDistribution(0.6, 0.6)
      return ramp.map { least + distribution.quantile(1 - $0) * (largest - least) }
    }
  }
}
