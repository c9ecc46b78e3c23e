internal import TensorEngine

/// Euler's method over noise levels: one straight line for each step.
///
/// Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, NeurIPS 2022,
/// algorithm 2 with S_churn = 0 and no second-order correction:
///
/// | here | there |
/// | --- | --- |
/// | `levels.sigmas[index]` | t_i = σ_i |
/// | `slope` | d_i |
///
/// The ancestral variant goes down further than the next level and adds fresh noise up to it.
///
/// Limitations: no churn, no Karras, exponential or beta spacing of levels.
///
/// - Reference: diffusers `scheduling_euler_discrete.py` and
///   `scheduling_euler_ancestral_discrete.py`.
struct Euler: Scheduler {
  let prediction: Prediction
  let levels: NoiseLevels
  let isAncestral: Bool
  var state: [String: Tensor] = [:]

  init(_ schedule: NoiseSchedule, steps: Int, isAncestral: Bool) {
    prediction = schedule.prediction
    levels = NoiseLevels(schedule, steps: steps)
    self.isAncestral = isAncestral
  }

  var timesteps: [Double] { levels.timesteps }
  var initialNoiseScale: Float { levels.initialNoiseScale }
  var drawsNoise: Bool { isAncestral }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { levels.scaled(sample, at: index) }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    .combination(1, clean, levels.sigmas[index], noise)
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?) -> Tensor {
    let slope = levels.slope(output, at: index, sample, prediction)
    let (from, to) = (levels.sigmas[index], levels.sigmas[index + 1])
    guard isAncestral, let noise else { return .combination(1, sample, to - from, slope) }
    let up = (to * to * (from * from - to * to) / (from * from)).squareRoot()
    let down = (to * to - up * up).squareRoot()
    let lower = Tensor.combination(1, sample, down - from, slope)
    return .combination(1, lower, up, noise)
  }
}
