internal import TensorEngine

/// DPM-Solver and DPM-Solver++, multistep: extrapolates the clean sample, or the noise, along the
/// log-SNR through the iterations before.
///
/// Lu et al., DPM-Solver++, arXiv 2211.01095, algorithm 2 (2M) for order 2:
///
/// | here | there |
/// | --- | --- |
/// | `outputs` | x_θ (or ε_θ) of this iteration and those before |
/// | `h`, `ratios` | h_i = λ_{t_i} − λ_{t_{i−1}}, and the earlier ones over it |
///
/// The first steps are of lower order, and so are the last ones of a short run.
///
/// Limitations: no flow matching, no learned variance.
///
/// - Reference: diffusers `scheduling_dpmsolver_multistep.py`.
struct DPMSolver: LogSNRSolver {
  let configuration: SchedulerConfiguration
  let levels: NoiseLevels
  var past: [Tensor] = []

  init(_ configuration: SchedulerConfiguration, steps: Int) throws {
    (self.configuration, levels) = (configuration, try .logSNR(configuration, steps: steps))
  }

  func drawsNoise(at index: Int) -> Bool { configuration.algorithm.isStochastic }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    let outputs = outputs(
      with: output, at: index, sample, asNoise: configuration.algorithm.isOfNoise)
    let last = outputs.count - 1
    let value = outputs[last]
    let step = levels.step(configuration, from: index, to: index + 1)
    let order = min(order(at: index), outputs.count)
    guard order > 1, step.h > 0 else { return step(sample, value: value, noise: noise) }
    func lambda(_ index: Int) -> Double { DPMStep.Level(levels.sigmas[index]).lambda }
    let r0 = (lambda(index) - lambda(index - 1)) / step.h
    let slope = Tensor.combination([(1 / r0, value), (-1 / r0, outputs[last - 1])])
    guard order > 2 else { return step(sample, value: value, slope: slope, noise: noise) }
    let r1 = (lambda(index - 1) - lambda(index - 2)) / step.h
    let earlier = Tensor.combination([
      (1 / r1, outputs[last - 1]), (-1 / r1, outputs[last - 2]),
    ])
    let share = r0 / (r0 + r1)
    return step(
      sample, value: value, slope: .combination([(1 + share, slope), (-share, earlier)]),
      curve: .combination([(1 / (r0 + r1), slope), (-1 / (r0 + r1), earlier)]), noise: noise)
  }

  /// The order of an iteration, if there were enough before it.
  private func order(at index: Int) -> Int {
    let left = timesteps.count - index
    let lowers = configuration.lowersFinalOrder && timesteps.count < 15
    if left == 1, lowers || configuration.isEulerAtFinal || configuration.finalLevel == .zero {
      return 1
    }
    return left == 2 && lowers ? min(configuration.order, 2) : configuration.order
  }
}
