internal import TensorEngine

/// DPM-Solver and DPM-Solver++, singlestep: steps of orders 1, 2 and 3 in turn, each from the sample
/// that its group began with.
///
/// Lu et al., DPM-Solver++, arXiv 2211.01095, algorithm 1 (2S), and DPM-Solver, NeurIPS 2022, section
/// 3.4: a group of as many iterations as the order says goes from one sample to the next, and what its
/// first ones find serves the last.
///
/// - Reference: diffusers `scheduling_dpmsolver_singlestep.py`.
struct SinglestepDPMSolver: RestartingLogSNRSolver {
  let configuration: SchedulerConfiguration
  let levels: NoiseLevels
  /// The order of each iteration.
  private let orders: [Int]
  var past: [Tensor] = []
  /// The sample that the group began with.
  var start: Tensor?

  init(_ configuration: SchedulerConfiguration, steps: Int) throws {
    (self.configuration, levels) = (configuration, try .logSNR(configuration, steps: steps))
    orders = Self.orders(configuration, steps)
  }

  private static func orders(_ configuration: SchedulerConfiguration, _ steps: Int) -> [Int] {
    let order = configuration.order
    let endsAtZero = configuration.finalLevel == .zero
    let lowers =
      configuration.lowersFinalOrder || !steps.isMultiple(of: order) || endsAtZero
    var orders = (0..<steps).map { $0 % order + 1 }
    if lowers, steps.isMultiple(of: order), order > 1 {
      // The last group ends by a group of its own, of one iteration.
      orders[steps - 1] = 1
    }
    if endsAtZero { orders[steps - 1] = 1 }
    return orders
  }

  func drawsNoise(at index: Int) -> Bool { configuration.algorithm.isStochastic }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    let outputs = outputs(
      with: output, at: index, sample, asNoise: configuration.algorithm.isOfNoise)
    let order = min(orders[index], outputs.count)
    if order == 1 { start = sample.detached }
    let group = Array(outputs.suffix(order))
    let base = index - order + 1
    let step = levels.step(configuration, from: base, to: index + 1)
    let begin = start ?? sample
    guard order > 1, step.h > 0 else { return step(begin, value: group[0], noise: noise) }
    func difference(_ place: Int) -> (ratio: Double, tensor: Tensor) {
      let lambda = DPMStep.Level(levels.sigmas[base + place]).lambda
      let ratio = (lambda - step.from.lambda) / step.h
      return (ratio, .combination([(1 / ratio, group[place]), (-1 / ratio, group[0])]))
    }
    let (r0, last) = difference(order - 1)
    guard order > 2 else { return step(begin, value: group[0], slope: last, noise: noise) }
    let (r1, earlier) = difference(1)
    guard configuration.isHeun else {
      // At order 3 the midpoint's rule, too, weighs the slope as Heun's does.
      var step = step
      step.isHeun = true
      return step(begin, value: group[0], slope: last, noise: noise)
    }
    return step(
      begin, value: group[0],
      slope: .combination([(r0 / (r0 - r1), earlier), (-r1 / (r0 - r1), last)]),
      curve: .combination([(2 / (r0 - r1), last), (-2 / (r0 - r1), earlier)]), noise: noise)
  }
}
