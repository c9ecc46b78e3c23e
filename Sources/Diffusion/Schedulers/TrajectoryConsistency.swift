internal import TensorEngine

/// Strategic stochastic sampling of a trajectory consistency model.
///
/// Zheng, Hu, Fan, Wang, Zheng, Ding, Ma, Tao & Cham, Trajectory Consistency Distillation, arXiv
/// 2402.19159, algorithm 4:
///
/// | here | there |
/// | --- | --- |
/// | `eta` | γ: 0 goes straight to the next time, more goes further and adds noise |
/// | `alphaReached` | ᾱ_{s′}, s′ = (1 − γ) t_{n−1} |
///
/// - Reference: diffusers `scheduling_tcd.py`.
struct TrajectoryConsistency: Scheduler {
  private let configuration: SchedulerConfiguration
  private let times: [Int]
  private let eta: Float
  var state: [String: Tensor] = [:]

  init(_ configuration: SchedulerConfiguration, steps: Int, eta: Double) throws {
    self.configuration = configuration
    times = try configuration.distilled(steps)
    self.eta = Float(eta)
  }

  var timesteps: [Double] { times.map(Double.init) }
  var initialNoiseScale: Float { 1 }
  func drawsNoise(at index: Int) -> Bool { eta > 0 && index < times.count - 1 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    configuration.noise.noised(clean, noise, at: times[index])
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    configuration.prediction.clean(output, sample, alpha: configuration.alpha(times[index]))
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise fresh: Tensor?) -> Tensor {
    let next = index + 1 < times.count ? times[index + 1] : 0
    let alpha = configuration.alpha(times[index])
    let alphaNext = configuration.alpha(next)
    let alphaReached = configuration.alpha(Int((1 - eta) * Float(next)))
    let (signal, sigma) = (alpha.squareRoot(), (1 - alpha).squareRoot())
    let prediction = configuration.prediction
    let reached = Tensor.combination(
      alphaReached.squareRoot(),
      clean(output, at: index, sample),
      (1 - alphaReached).squareRoot(),
      prediction.noise(output, sample, signal: signal, sigma: sigma))
    guard drawsNoise(at: index), let fresh else { return reached }
    let share = alphaNext / alphaReached
    return .combination(share.squareRoot(), reached, (1 - share).squareRoot(), fresh)
  }
}
