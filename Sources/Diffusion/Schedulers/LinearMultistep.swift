internal import TensorEngine

/// The linear multistep method over noise levels: the integral of a polynomial through past slopes.
///
/// Up to four slopes d(σ) are interpolated and the interpolant is integrated from one level to the
/// next; the integral of each Lagrange basis polynomial is exact (two Gauss–Legendre points).
///
/// In a run that begins late, diffusers takes the order from the place in the whole schedule, and
/// leaves out the terms of slopes that it does not have; so does this.
///
/// - Reference: Karras et al., NeurIPS 2022, section 3 (higher-order integrators); diffusers
///   `scheduling_lms_discrete.py`, order 4.
struct LinearMultistep: Scheduler {
  private static let order = 4

  private let prediction: Prediction
  private let levels: NoiseLevels
  /// Past slopes, oldest first.
  private var slopes: [Tensor] = []

  init(_ configuration: SchedulerConfiguration, steps: Int) throws {
    prediction = configuration.prediction
    levels = NoiseLevels(continuous: configuration, steps: steps)
    try levels.requireDistinct()
  }

  var timesteps: [Double] { levels.timesteps }
  var initialNoiseScale: Float { levels.initialNoiseScale }

  func scaledInput(_ sample: Tensor, at index: Int) -> Tensor { levels.scaled(sample, at: index) }

  func noised(_ clean: Tensor, _ noise: Tensor, at index: Int) -> Tensor {
    .combination(1, clean, levels.sigmas[index], noise)
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    NoiseLevels.clean(output, at: levels.sigmas[index], sample, prediction)
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    slopes = slopes.suffix(Self.order - 1) + [levels.slope(output, at: index, sample, prediction)]
    let order = min(index + 1, Self.order)
    return slopes.reversed().enumerated().reduce(sample.detached) { sum, past in
      .combination(
        1, sum, Float(weight(of: past.offset, among: order, at: index)), past.element)
    }
  }

  /// ∫ ℓ_j(σ) dσ from this level to the next, ℓ_j the basis polynomial of the slope `back` levels ago.
  private func weight(of back: Int, among count: Int, at index: Int) -> Double {
    let nodes = (0..<count).map { Double(levels.sigmas[index - $0]) }
    let (from, to) = (Double(levels.sigmas[index]), Double(levels.sigmas[index + 1]))
    let (middle, half) = ((from + to) / 2, (to - from) / 2)
    let offset = half / 3.0.squareRoot()
    return half
      * [middle - offset, middle + offset].reduce(0) { sum, sigma in
        sum
          + nodes.indices.filter { $0 != back }.reduce(1) {
            $0 * (sigma - nodes[$1]) / (nodes[back] - nodes[$1])
          }
      }
  }

  var state: [String: Tensor] {
    get { slopes.numbered("scheduler.slope") }
    set { slopes = [Tensor](numbered: "scheduler.slope", in: newValue, count: Self.order) }
  }
}
