private import Foundation
internal import TensorEngine

/// DPM-Solver++ of second order, multistep: extrapolates the clean sample along the log-SNR.
///
/// Lu et al., DPM-Solver++, arXiv 2211.01095, algorithm 2 (2M):
///
/// | here | there |
/// | --- | --- |
/// | `alpha`, `sigma` | α_t, σ_t |
/// | `lambda` | λ_t = log(α_t / σ_t) |
/// | `h` | h_i = λ_{t_i} − λ_{t_{i−1}} |
/// | `clean` | x_θ, the data prediction |
/// | `extrapolated` | D_i |
///
/// The first step is of first order, and so is the last one, which ends at σ = 0.
///
/// Limitations: midpoint variant only; no stochastic variant, no Karras spacing.
///
/// - Reference: diffusers `scheduling_dpmsolver_multistep.py`.
struct DPMSolver: Scheduler {
  let prediction: Prediction
  private let levels: NoiseLevels
  /// The clean sample of the iteration before.
  private var previous: Tensor?

  init(_ schedule: NoiseSchedule, steps: Int) throws {
    prediction = schedule.prediction
    levels = NoiseLevels(schedule, times: Self.times(schedule, steps).map(Double.init))
    try levels.requireDistinct()
  }

  /// One time more than steps is laid out, and the last is left to σ = 0.
  private static func times(_ schedule: NoiseSchedule, _ steps: Int) -> [Int] {
    let spacing = schedule.spacing ?? .linspace
    switch spacing {
    case .linspace, .leading: return Array(schedule.spaced(steps + 1, spacing).dropLast())
    case .trailing: return schedule.spaced(steps, spacing)
    }
  }

  var timesteps: [Double] { levels.timesteps }
  var initialNoiseScale: Float { 1 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    .combination(alpha(index), clean, levels.sigmas[index] * alpha(index), noise)
  }

  private func alpha(_ index: Int) -> Float {
    1 / (levels.sigmas[index] * levels.sigmas[index] + 1).squareRoot()
  }

  private func lambda(_ index: Int) -> Float { -log(levels.sigmas[index]) }

  private func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    let (alpha, sigma) = (alpha(index), levels.sigmas[index] * alpha(index))
    switch prediction {
    case .epsilon: return .combination(1 / alpha, sample, -sigma / alpha, output)
    case .velocity: return .combination(alpha, sample, -sigma, output)
    case .sample: return output.detached
    }
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    let clean = clean(output, at: index, sample)
    defer { previous = clean }
    let isLast = index == timesteps.count - 1
    // λ is infinite at σ = 0: the last step keeps the clean sample alone.
    let h = isLast ? Float.infinity : lambda(index + 1) - lambda(index)
    var extrapolated = clean
    if let previous, !isLast {
      let ratio = (lambda(index) - lambda(index - 1)) / h
      extrapolated = .combination(1 + 0.5 / ratio, clean, -0.5 / ratio, previous)
    }
    let sigmaNow = levels.sigmas[index] * alpha(index)
    let sigmaNext = levels.sigmas[index + 1] * alpha(index + 1)
    return .combination(
      sigmaNext / sigmaNow, sample, -alpha(index + 1) * expm1(-h), extrapolated)
  }

  var state: [String: Tensor] {
    get { previous.map { ["scheduler.previous": $0] } ?? [:] }
    set { previous = newValue["scheduler.previous"] }
  }
}
