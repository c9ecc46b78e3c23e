private import Foundation
internal import TensorEngine

/// One step of a solver of the diffusion equation in log-SNR, from one noise level to a lower one.
///
/// Lu et al., DPM-Solver, NeurIPS 2022, and DPM-Solver++, arXiv 2211.01095; for the stochastic forms
/// its appendix on SDE-DPM-Solver++:
///
/// | here | there |
/// | --- | --- |
/// | `from`, `to` | s and t: α, σ, λ = log(α / σ) |
/// | `h` | λ_t − λ_s |
/// | `value`, `slope`, `curve` | D₀, D₁, D₂: the clean sample or the noise, and its differences |
///
/// - Reference: diffusers `scheduling_dpmsolver_multistep.py`, `dpm_solver_first_order_update` and
///   the updates of second and third order.
struct DPMStep {
  /// α and σ of a noise level.
  struct Level {
    /// √ᾱ.
    let signal: Double
    /// √(1 − ᾱ).
    let sigma: Double
    /// log(√ᾱ / √(1 − ᾱ)); infinite at the end.
    let lambda: Double

    init(_ level: Float) {
      signal = 1 / (Double(level) * Double(level) + 1).squareRoot()
      sigma = Double(level) * signal
      lambda = -log(Double(level))
    }
  }

  let algorithm: DPMAlgorithm
  /// Whether the first difference enters by Heun's rule instead of the midpoint's.
  var isHeun: Bool
  let from: Level
  let to: Level

  var h: Double { to.lambda - from.lambda }

  /// The sample at the lower level.
  ///
  /// - Parameters:
  ///   - value: D₀.
  ///   - slope: D₁; `nil` for a step of first order.
  ///   - curve: D₂; `nil` for a step of at most second order.
  ///   - noise: fresh noise, for the stochastic forms.
  func callAsFunction(
    _ sample: Tensor, value: Tensor, slope: Tensor? = nil, curve: Tensor? = nil, noise: Tensor?
  ) -> Tensor {
    // At rest each coefficient is 0 or 1, but for quotients of zeros.
    guard h > 0 else { return sample.detached }
    let weights = weights
    var terms = [(weights.sample, sample), (weights.value, value)]
    if let slope {
      let isLinear = curve == nil && !isHeun
      terms.append((isLinear ? weights.value / 2 : weights.slope, slope))
    }
    if let curve { terms.append((weights.curve, curve)) }
    if algorithm.isStochastic, let noise { terms.append((weights.noise, noise)) }
    return .combination(terms)
  }

  private var weights: (sample: Double, value: Double, slope: Double, curve: Double, noise: Double)
  {
    let h = h
    switch algorithm {
    case .clean:
      let e = expm1(-h)
      return (
        to.sigma / from.sigma, -to.signal * e, to.signal * (e / h + 1),
        -to.signal * ((e + h) / (h * h) - 0.5), 0
      )
    case .noise:
      let e = expm1(h)
      return (
        to.signal / from.signal, -to.sigma * e, -to.sigma * (e / h - 1),
        -to.sigma * ((e - h) / (h * h) - 0.5), 0
      )
    case .stochasticClean:
      let e = -expm1(-2 * h)
      return (
        to.sigma / from.sigma * exp(-h), to.signal * e, to.signal * (e / (-2 * h) + 1),
        to.signal * ((e - 2 * h) / (4 * h * h) - 0.5), to.sigma * e.squareRoot()
      )
    case .stochasticNoise:
      let e = expm1(h)
      return (
        to.signal / from.signal, -2 * to.sigma * e, -2 * to.sigma * (e / h - 1), 0,
        to.sigma * expm1(2 * h).squareRoot()
      )
    }
  }
}
