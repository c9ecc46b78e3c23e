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
  /// The sample that a later step goes on from; `nil` for one whose steps all go on from the current
  /// sample.
  var start: Tensor? { get set }
}

extension LogSNRSolver {
  var timesteps: [Double] { levels.timesteps }
  var initialNoiseScale: Float { 1 }

  var start: Tensor? {
    get { nil }
    set {}
  }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { sample }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    levels.noised(clean, noise, at: index)
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

  var state: [String: Tensor] {
    get {
      var state = past.numbered("scheduler.output")
      state["scheduler.start"] = start
      return state
    }
    set {
      past = [Tensor](numbered: "scheduler.output", in: newValue, count: configuration.order)
      start = newValue["scheduler.start"]
    }
  }
}
