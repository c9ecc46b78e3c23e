internal import TensorEngine

/// Sampling of a latent consistency model: each step goes to the clean sample, and noise is laid over
/// it for the next.
///
/// Luo, Tan, Huang, Li & Zhao, Latent Consistency Models, arXiv 2310.04378, algorithm 3:
///
/// | here | there |
/// | --- | --- |
/// | `skip`, `out` | c_skip(t), c_out(t), with σ_data = ½ |
/// | `denoised` | f_θ(z_t, c, t) |
///
/// - Reference: diffusers `scheduling_lcm.py`.
struct LatentConsistency: Scheduler {
  private let configuration: SchedulerConfiguration
  private let times: [Int]
  var state: [String: Tensor] = [:]

  init(_ configuration: SchedulerConfiguration, steps: Int) throws {
    self.configuration = configuration
    times = try configuration.distilled(steps)
  }

  var timesteps: [Double] { times.map(Double.init) }
  var initialNoiseScale: Float { 1 }
  func drawsNoise(at index: Int) -> Bool { index < times.count - 1 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    configuration.noise.noised(clean, noise, at: times[index])
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    let clean = configuration.clean(output, sample, at: times[index])
    let time = Float(times[index]) * Float(configuration.timestepScaling)
    let variance = time * time + 0.25
    let (skip, out) = (0.25 / variance, time / variance.squareRoot())
    return .combination(out, clean, skip, sample)
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?) -> Tensor {
    let denoised = clean(output, at: index, sample)
    guard drawsNoise(at: index), let noise else { return denoised }
    return configuration.noise.noised(denoised, noise, at: times[index + 1])
  }
}
