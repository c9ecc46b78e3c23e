internal import TensorEngine

/// A solver that extrapolates the clean sample, or the noise, along the log-SNR, through the iterations
/// before; it keeps a sample as `α (x₀ + σ ε)`.
///
/// - Reference: Lu et al., DPM-Solver, NeurIPS 2022.
protocol LogSNRSolver: Scheduler {
  var configuration: SchedulerConfiguration { get }
  var levels: NoiseLevels { get }
  /// Converted outputs of the iterations before, oldest first: as many as the order uses.
  var past: [Tensor] { get set }
}

extension LogSNRSolver {
  var timesteps: [Double] { levels.timesteps }
  var initialNoiseScale: Float { 1 }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    levels.noised(clean, noise, at: index)
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    levels.converted(output, at: index, sample, configuration, asNoise: false)
  }

  /// The converted outputs up to that of iteration `index`, oldest first; those that later iterations
  /// use are kept.
  mutating func outputs(
    with output: Tensor, at index: Int, _ sample: Tensor, asNoise: Bool
  ) -> [Tensor] {
    let value = levels.converted(output, at: index, sample, configuration, asNoise: asNoise)
    let outputs = past + [value]
    past = Array(outputs.suffix(configuration.order))
    return outputs
  }

  /// ``past`` as a scheduler's state.
  var pastState: [String: Tensor] {
    get { past.numbered("scheduler.output") }
    set { past = [Tensor](numbered: "scheduler.output", in: newValue, count: configuration.order) }
  }

  var state: [String: Tensor] {
    get { pastState }
    set { pastState = newValue }
  }
}
