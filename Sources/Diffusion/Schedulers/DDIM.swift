internal import TensorEngine

/// Denoising diffusion implicit models.
///
/// Song, Meng & Ermon, Denoising Diffusion Implicit Models, ICLR 2021, equations 12 and 16:
///
/// | here | there |
/// | --- | --- |
/// | `alpha` | ᾱ_t (α_t in the paper) |
/// | `alphaNext` | ᾱ at the next, earlier time |
/// | `clean` | the predicted x₀ |
/// | `noise` | ε_θ(x_t) |
/// | `eta`, `deviation` | η, σ_t; no noise is added at η = 0 |
///
/// - Reference: diffusers `schedulers/scheduling_ddim.py`.
struct DDIM: Scheduler {
  private let configuration: SchedulerConfiguration
  private let times: [Int]
  private let stride: Int
  private let eta: Float
  var state: [String: Tensor] = [:]

  init(_ configuration: SchedulerConfiguration, steps: Int, eta: Double) {
    self.configuration = configuration
    times = configuration.spaced(steps)
    stride = configuration.noise.trainingTimes / steps
    self.eta = Float(eta)
  }

  var timesteps: [Double] { times.map(Double.init) }
  var initialNoiseScale: Float { 1 }
  func drawsNoise(at index: Int) -> Bool { eta > 0 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    configuration.noise.noised(clean, noise, at: times[index])
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    configuration.clean(output, sample, at: times[index])
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise fresh: Tensor?) -> Tensor {
    let alpha = configuration.alpha(times[index])
    let alphaNext = configuration.alpha(times[index] - stride)
    let (signal, sigma) = (alpha.squareRoot(), (1 - alpha).squareRoot())
    let noise = configuration.prediction.noise(output, sample, signal: signal, sigma: sigma)
    let clean = clean(output, at: index, sample)
    let variance = (1 - alphaNext) / (1 - alpha) * (1 - alpha / alphaNext)
    let deviation = eta * variance.squareRoot()
    let direction = (1 - alphaNext - deviation * deviation).squareRoot()
    let next = Tensor.combination(alphaNext.squareRoot(), clean, direction, noise)
    guard eta > 0, let fresh else { return next }
    return .combination(1, next, deviation, fresh)
  }
}
