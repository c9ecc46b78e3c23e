private import Foundation
internal import TensorEngine

/// DPM-Solver-2 over noise levels: a step by the slope at its geometric middle.
///
/// Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, NeurIPS 2022,
/// after DPM-Solver-2 of Lu et al., NeurIPS 2022, algorithm 1:
///
/// | here | there |
/// | --- | --- |
/// | `middle` | s_i, the level half-way in log σ |
/// | `start` | x at the step's begin |
///
/// Each step is two iterations, but for the last, which ends at σ = 0. The ancestral variant goes
/// down further than the next level and adds fresh noise up to it.
///
/// - Reference: diffusers `scheduling_k_dpm_2_discrete.py` and
///   `scheduling_k_dpm_2_ancestral_discrete.py`.
struct KDPM2: TwoEvaluationScheduler {
  private let prediction: Prediction
  let levels: NoiseLevels
  /// Of each step but the last.
  private let middles: [Float]
  private let isAncestral: Bool
  let timesteps: [Double]
  /// The sample that a step began with, between its two iterations.
  private var start: Tensor?

  init(_ configuration: SchedulerConfiguration, steps: Int) {
    prediction = configuration.prediction
    let levels = NoiseLevels(continuous: configuration, steps: steps)
    self.levels = levels
    let isAncestral = configuration.kind == .kdpm2Ancestral
    self.isAncestral = isAncestral
    let trained = TrainedLevels(configuration.noise)
    middles = (0..<levels.timesteps.count - 1).map { step in
      let (from, to) = (levels.sigmas[step], levels.sigmas[step + 1])
      let end = isAncestral ? AncestralLevel(from: from, to: to).down : to
      return exp((log(from) + log(end)) / 2)
    }
    timesteps =
      levels.timesteps.prefix(1)
      + zip(middles, levels.timesteps.dropFirst()).flatMap { [trained.time(Double($0)), $1] }
  }

  func drawsNoise(at index: Int) -> Bool { isAncestral && !index.isMultiple(of: 2) }

  func level(_ index: Int) -> Float {
    index.isMultiple(of: 2) ? levels.sigmas[index / 2] : middles[index / 2]
  }

  func clean(_ output: Tensor, at index: Int, _ sample: Tensor) -> Tensor {
    NoiseLevels.clean(output, at: level(index), sample, prediction)
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    let clean = clean(output, at: index, sample)
    let slope = NoiseLevels.slope(sample, towards: clean, at: level(index))
    let step = index / 2
    let (from, to) = (levels.sigmas[step], levels.sigmas[step + 1])
    guard !index.isMultiple(of: 2), let start else {
      self.start = sample.detached
      let next = step < middles.count ? middles[step] : 0
      return .combination(1, sample, next - from, slope)
    }
    self.start = nil
    guard isAncestral, let noise else { return .combination(1, start, to - from, slope) }
    let level = AncestralLevel(from: from, to: to)
    return .combination(
      1, .combination(1, start, level.down - from, slope), level.up, noise)
  }

  var state: [String: Tensor] {
    get { start.map { ["scheduler.start": $0] } ?? [:] }
    set { start = newValue["scheduler.start"] }
  }
}
