internal import TensorEngine

/// Shows one clean latent at chosen times: each sample is the latent with the same noise laid over
/// it, as much as the forward process has added by then.
///
/// It removes no noise: what the UNet predicts is not used, and the last sample is the clean latent.
/// One noise for all times, so that what differs between them is its level alone.
struct Renoising: Scheduler {
  private let schedule: NoiseSchedule
  private let prediction: Prediction
  private let times: [Int]
  private let latent: Tensor
  private let noise: Tensor
  var state: [String: Tensor] = [:]

  /// - Parameters:
  ///   - prediction: what the UNet's output means.
  ///   - times: training times, one for each iteration.
  ///   - clean: the latent as the UNet knows it, `[1, 4, row, column]`.
  ///   - noise: of the same shape.
  init(
    _ schedule: NoiseSchedule, _ prediction: Prediction, times: [Int], clean: Tensor, noise: Tensor
  ) {
    (self.schedule, self.prediction, self.times) = (schedule, prediction, times)
    (latent, self.noise) = (clean, noise)
  }

  var timesteps: [Double] { times.map(Double.init) }
  var initialNoiseScale: Float { 1 }
  /// The first sample.
  var start: Tensor { noised(latent, noise, at: 0) }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    schedule.noised(clean, noise, at: times[index])
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    prediction.clean(output, sample, alpha: schedule.cumulativeAlphas[times[index]])
  }

  func step(_ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?) -> Tensor {
    let next = index + 1
    return next < times.count ? noised(latent, self.noise, at: next) : latent
  }
}
