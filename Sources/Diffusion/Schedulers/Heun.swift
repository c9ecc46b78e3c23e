internal import TensorEngine

/// Heun's method over noise levels: Euler's step, then the mean of the slopes at both of its ends.
///
/// Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, NeurIPS 2022,
/// algorithm 1:
///
/// | here | there |
/// | --- | --- |
/// | `start`, `first` | x_i, d_i |
/// | `slope` at an odd iteration | d′_i |
///
/// Each step is two iterations, but for the last, which ends at σ = 0.
///
/// - Reference: diffusers `scheduling_heun_discrete.py`.
struct Heun: TwoEvaluationScheduler {
  private let configuration: SchedulerConfiguration
  let levels: NoiseLevels
  /// The slope and the sample of the first iteration of a step.
  private var first: Tensor?
  private var start: Tensor?

  init(_ configuration: SchedulerConfiguration, steps: Int) {
    self.configuration = configuration
    levels = NoiseLevels(continuous: configuration, steps: steps)
  }

  func level(_ index: Int) -> Float { levels.sigmas[(index + 1) / 2] }

  var timesteps: [Double] {
    (0..<2 * levels.timesteps.count - 1).map { levels.timesteps[($0 + 1) / 2] }
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    configuration.bounded(
      NoiseLevels.clean(output, at: level(index), sample, configuration.prediction))
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    let clean = clean(output, at: index, sample)
    let slope = NoiseLevels.slope(sample, towards: clean, at: level(index))
    let step = index / 2
    let distance = levels.sigmas[step + 1] - levels.sigmas[step]
    guard !index.isMultiple(of: 2), let first, let start else {
      (self.first, self.start) = (slope, sample.detached)
      return .combination(1, sample, distance, slope)
    }
    (self.first, self.start) = (nil, nil)
    return .combination(1, start, distance, .combination(0.5, first, 0.5, slope))
  }

  var state: [String: Tensor] {
    get {
      var state: [String: Tensor] = [:]
      state["scheduler.slope"] = first
      state["scheduler.start"] = start
      return state
    }
    set { (first, start) = (newValue["scheduler.slope"], newValue["scheduler.start"]) }
  }
}
