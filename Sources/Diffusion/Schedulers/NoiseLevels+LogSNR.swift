internal import TensorEngine

extension NoiseLevels {
  /// The levels that a solver in log-SNR visits.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` where two are the same.
  static func logSNR(_ configuration: SchedulerConfiguration, steps: Int) throws -> NoiseLevels {
    let levels = NoiseLevels(discrete: configuration, steps: steps)
    try levels.requireDistinct(mayRest: configuration.finalLevel == .least)
    return levels
  }

  /// The sample `α (x₀ + σ ε)` of an iteration.
  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    let level = DPMStep.Level(sigmas[index])
    return .combination(Float(level.signal), clean, Float(level.sigma), noise)
  }

  /// What an output says of what a solver extrapolates: the clean sample, or the noise.
  func converted(
    _ output: Tensor, at index: Int, _ sample: Tensor, _ configuration: SchedulerConfiguration,
    asNoise: Bool
  ) -> Tensor {
    let level = DPMStep.Level(sigmas[index])
    let (signal, sigma) = (Float(level.signal), Float(level.sigma))
    let prediction = configuration.prediction
    guard asNoise else {
      return configuration.bounded(
        prediction.clean(output, sample, signal: signal, sigma: sigma))
    }
    let noise = prediction.noise(output, sample, signal: signal, sigma: sigma)
    guard configuration.threshold != nil, configuration.kind != .uniPC else { return noise }
    let clean = configuration.bounded(
      Prediction.epsilon.clean(noise, sample, signal: signal, sigma: sigma))
    return Prediction.sample.noise(clean, sample, signal: signal, sigma: sigma)
  }

  /// A step between two iterations' levels.
  func step(_ configuration: SchedulerConfiguration, from: Int, to: Int) -> DPMStep {
    DPMStep(
      algorithm: configuration.algorithm, isHeun: configuration.isHeun,
      from: DPMStep.Level(sigmas[from]), to: DPMStep.Level(sigmas[to]))
  }
}
