internal import TensorEngine

/// Denoising diffusion implicit models, deterministic (η = 0).
///
/// Song, Meng & Ermon, Denoising Diffusion Implicit Models, ICLR 2021, equation 12:
///
/// | here | there |
/// | --- | --- |
/// | `alpha` | ᾱ_t (α_t in the paper) |
/// | `alphaNext` | ᾱ at the next, earlier time |
/// | `clean` | the predicted x₀ |
/// | `noise` | ε_θ(x_t) |
///
/// Limitations: no stochastic variant (η > 0), no dynamic thresholding, no zero-SNR rescaling.
///
/// - Reference: diffusers `schedulers/scheduling_ddim.py`.
struct DDIM: Scheduler {
  let schedule: NoiseSchedule
  private let times: [Int]
  private let stride: Int
  var state: [String: Tensor] = [:]

  init(_ schedule: NoiseSchedule, steps: Int) {
    self.schedule = schedule
    times = schedule.spaced(steps, schedule.spacing ?? .leading)
    stride = schedule.trainingTimes / steps
  }

  var timesteps: [Double] { times.map(Double.init) }
  var initialNoiseScale: Float { 1 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    schedule.noised(clean, noise, at: times[index])
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?) -> Tensor {
    let alpha = schedule.alpha(times[index])
    let alphaNext = schedule.alpha(times[index] - stride)
    let (signal, sigma) = (alpha.squareRoot(), (1 - alpha).squareRoot())
    var clean: Tensor
    let noise: Tensor
    switch schedule.prediction {
    case .epsilon:
      noise = output
      clean = .combination(1 / signal, sample, -sigma / signal, output)
    case .velocity:
      noise = .combination(signal, output, sigma, sample)
      clean = .combination(signal, sample, -sigma, output)
    case .sample:
      noise = .combination(1 / sigma, sample, -signal / sigma, output)
      clean = output
    }
    if let clip = schedule.clip {
      clean = Tensor(clean.values.map { min(max($0, -clip), clip) }, shape: clean.shape)
    }
    return .combination(alphaNext.squareRoot(), clean, (1 - alphaNext).squareRoot(), noise)
  }
}
