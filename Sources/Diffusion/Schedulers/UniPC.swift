private import Foundation
internal import TensorEngine

/// UniPC: a multistep predictor, and a corrector that serves itself of the prediction of the next
/// iteration, both of the same order.
///
/// Zhao, Bai, Rao, Zhou & Lu, UniPC: A Unified Predictor-Corrector Framework, NeurIPS 2023, algorithms
/// 1 and 2:
///
/// | here | there |
/// | --- | --- |
/// | `ratios` | r_m = (λ_{s_m} − λ_s) / h, the last of them 1 |
/// | `differences` | D_m / r_m |
/// | `weights` | a_p (a_c), by R_p(h) a = φ_p(h) / B(h) |
/// | `b` | B(h): h (bh1) or eʰ − 1 (bh2) |
///
/// - Reference: diffusers `scheduling_unipc_multistep.py`.
struct UniPC: RestartingLogSNRSolver {
  let configuration: SchedulerConfiguration
  let levels: NoiseLevels
  var past: [Tensor] = []
  /// The corrected sample of the iteration before.
  var start: Tensor?

  init(_ configuration: SchedulerConfiguration, steps: Int) throws {
    (self.configuration, levels) = (configuration, try .logSNR(configuration, steps: steps))
  }

  mutating func step(
    _ output: Tensor, at index: Int, _ sample: Tensor, noise: Tensor?
  ) -> Tensor {
    let value = levels.converted(
      output, at: index, sample, configuration, asNoise: !configuration.predictsClean)
    var sample = sample.detached
    if let start, index > 0, !configuration.uncorrected.contains(index - 1) {
      let order = min(order(at: index - 1), past.count)
      sample = advanced(start, from: index - 1, order: order, past, correctedBy: value)
    }
    let order = min(order(at: index), past.count + 1)
    past = Array((past + [value]).suffix(configuration.order))
    start = sample
    return advanced(sample, from: index, order: order, past, correctedBy: nil)
  }

  /// The order of an iteration, if there were enough before it.
  private func order(at index: Int) -> Int {
    configuration.lowersFinalOrder
      ? min(configuration.order, timesteps.count - index) : configuration.order
  }

  /// The sample at the level after iteration `index`.
  ///
  /// - Parameters:
  ///   - outputs: converted outputs up to that of the iteration.
  ///   - next: the converted output at the level that is reached; `nil` predicts without it.
  private func advanced(
    _ sample: Tensor, from index: Int, order: Int, _ outputs: [Tensor], correctedBy next: Tensor?
  ) -> Tensor {
    let (from, to) = (
      DPMStep.Level(levels.sigmas[index]), DPMStep.Level(levels.sigmas[index + 1])
    )
    let h = to.lambda - from.lambda
    guard h > 0 else { return sample }
    let isClean = configuration.predictsClean
    let hh = isClean ? -h : h
    let current = outputs[outputs.count - 1]
    let (kept, scale) =
      isClean ? (to.sigma / from.sigma, to.signal) : (to.signal / from.signal, to.sigma)
    var terms = [(kept, sample), (-scale * expm1(hh), current)]
    let ratios = (1..<max(order, 1)).map { back in
      (DPMStep.Level(levels.sigmas[index - back]).lambda - from.lambda) / h
    }
    let weights = weights(hh, ratios + [1], isCorrector: next != nil)
    let b = configuration.isFirstB ? hh : expm1(hh)
    for (back, ratio) in ratios.enumerated() {
      let weight = -scale * b * weights[back] / ratio
      terms += [(weight, outputs[outputs.count - 2 - back]), (-weight, current)]
    }
    if let next {
      let weight = -scale * b * weights[ratios.count]
      terms += [(weight, next), (-weight, current)]
    }
    return .combination(terms)
  }

  /// The differences' weights; at the lowest order the limit ½.
  private func weights(_ hh: Double, _ ratios: [Double], isCorrector: Bool) -> [Double] {
    let order = ratios.count
    if isCorrector ? order == 1 : order <= 2 { return [0.5] }
    let b = configuration.isFirstB ? hh : expm1(hh)
    var (phi, factorial) = (expm1(hh) / hh - 1, 1.0)
    var right: [Double] = []
    for power in 1...order {
      right.append(phi * factorial / b)
      factorial *= Double(power + 1)
      phi = phi / hh - 1 / factorial
    }
    let used = isCorrector ? order : order - 1
    return Self.solution(
      (0..<used).map { power in ratios.prefix(used).map { pow($0, Double(power)) } },
      Array(right.prefix(used)))
  }

  /// The solution of a small system of linear equations, by elimination with pivots.
  private static func solution(_ rows: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(rows, right).map { $0 + [$1] }
    let count = rows.count
    for place in 0..<count {
      let pivot = (place..<count).max { abs(rows[$0][place]) < abs(rows[$1][place]) } ?? place
      rows.swapAt(place, pivot)
      for other in 0..<count where other != place {
        let factor = rows[other][place] / rows[place][place]
        for column in place...count { rows[other][column] -= factor * rows[place][column] }
      }
    }
    return rows.indices.map { rows[$0][count] / rows[$0][$0] }
  }
}
