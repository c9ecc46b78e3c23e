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
/// Limitations: no churn.
///
/// - Reference: diffusers `scheduling_euler_discrete.py` and
///   `scheduling_euler_ancestral_discrete.py`.
struct Euler: Scheduler {
  private let prediction: Prediction
  private let levels: NoiseLevels
  private let isAncestral: Bool
  var state: [String: Tensor] = [:]

  init(_ configuration: SchedulerConfiguration, steps: Int) {
    prediction = configuration.prediction
    levels = NoiseLevels(continuous: configuration, steps: steps)
    isAncestral = configuration.kind == .eulerAncestral
  }

  var timesteps: [Double] { levels.timesteps }
  var initialNoiseScale: Float { levels.initialNoiseScale }
  func drawsNoise(at index: Int) -> Bool { isAncestral }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { levels.scaled(sample, at: index) }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    .combination(1, clean, levels.sigmas[index], noise)
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    NoiseLevels.clean(output, at: levels.sigmas[index], sample, prediction)
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?) -> Tensor {
    let slope = levels.slope(output, at: index, sample, prediction)
    let (from, to) = (levels.sigmas[index], levels.sigmas[index + 1])
    guard isAncestral, let noise else { return .combination(1, sample, to - from, slope) }
    let level = AncestralLevel(from: from, to: to)
    let lower = Tensor.combination(1, sample, level.down - from, slope)
    return .combination(1, lower, level.up, noise)
  }
}
