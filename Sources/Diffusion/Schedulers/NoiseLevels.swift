internal import TensorEngine

/// The noise levels σ = √((1 − ᾱ) / ᾱ) that a run visits, from noise to picture, and their times.
///
/// The samplers that count in σ instead of ᾱ keep a sample as x₀ + σ ε; the UNet takes it divided by
/// √(σ² + 1). The last level is 0.
///
/// - Reference: Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models,
///   NeurIPS 2022, table 1 (VP); diffusers `scheduling_euler_discrete.py`, `set_timesteps`.
struct NoiseLevels: Sendable {
  /// One for each iteration.
  let timesteps: [Double]
  /// One for each iteration, and the 0 after the last.
  let sigmas: [Float]
  /// What the starting noise is multiplied with by Euler's and the multistep methods.
  let initialNoiseScale: Float

  /// Levels at times that need not be whole, as Euler's and the linear multistep method take them.
  init(_ schedule: NoiseSchedule, steps: Int) {
    let spacing = schedule.spacing ?? .linspace
    let times: [Float]
    switch spacing {
    case .linspace:
      let span = Double(schedule.trainingTimes - 1)
      let step = steps > 1 ? span / Double(steps - 1) : 0
      times = (0..<steps).reversed().map { Float(Double($0) * step) }
    case .leading, .trailing:
      times = schedule.spaced(steps, spacing).map(Float.init)
    }
    self.init(schedule, times: times.map(Double.init))
  }

  /// Levels at given times.
  init(_ schedule: NoiseSchedule, times: [Double]) {
    let levels = schedule.cumulativeAlphas.map { alpha in
      ((1 - alpha) / alpha).squareRoot()
    }
    timesteps = times
    sigmas =
      times.map { time in
        let place = min(max(time, 0), Double(levels.count - 1))
        let lower = min(Int(place), levels.count - 2)
        let share = place - Double(lower)
        let (low, high) = (Double(levels[lower]), Double(levels[lower + 1]))
        return Float(low + (high - low) * share)
      } + [0]
    let largest = sigmas.max() ?? 0
    let reachesNoise = schedule.spacing.map { $0 != .leading } ?? true
    initialNoiseScale = reachesNoise ? largest : (largest * largest + 1).squareRoot()
  }

  /// Refuses levels of which two are the same: a method that divides by their distance has no step.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)``.
  func requireDistinct() throws {
    guard zip(sigmas, sigmas.dropFirst()).allSatisfy({ $0 > $1 }) else {
      throw DiffusionError.invalidRequest(
        what: "the number of steps", got: String(timesteps.count),
        expected: "fewer steps: two timesteps have the same noise level")
    }
  }

  /// The sample as the UNet takes it at iteration `index`.
  func scaled(_ sample: Tensor, at index: Int) -> Tensor {
    sample.affine(scale: 1 / (sigmas[index] * sigmas[index] + 1).squareRoot())
  }

  /// The clean sample that a prediction stands for.
  func clean(
    _ output: Tensor, at index: Int, _ sample: Tensor, _ prediction: Prediction
  ) -> Tensor {
    let sigma = sigmas[index]
    switch prediction {
    case .epsilon: return .combination(1, sample, -sigma, output)
    case .velocity:
      let variance = sigma * sigma + 1
      return .combination(-sigma / variance.squareRoot(), output, 1 / variance, sample)
    case .sample: return output.detached
    }
  }

  /// The slope dx/dσ at iteration `index`.
  func slope(
    _ output: Tensor, at index: Int, _ sample: Tensor, _ prediction: Prediction
  ) -> Tensor {
    let sigma = sigmas[index]
    let clean = clean(output, at: index, sample, prediction)
    return .combination(1 / sigma, sample, -1 / sigma, clean)
  }
}
