private import Foundation

/// The noise level of every training time, rising, and what lies between.
///
/// - Reference: diffusers `scheduling_euler_discrete.py`, `_sigma_to_t`.
struct TrainedLevels: Sendable {
  private let sigmas: [Float]
  private let logarithms: [Float]

  init(_ noise: NoiseSchedule) {
    sigmas = noise.cumulativeAlphas.map { ((1 - $0) / $0).squareRoot() }
    logarithms = sigmas.map { log($0) }
  }

  var least: Double { Double(sigmas[0]) }
  var largest: Double { Double(sigmas[sigmas.count - 1]) }

  /// The level at a time, on a line between those beside it.
  func level(_ time: Double) -> Double {
    let place = min(max(time, 0), Double(sigmas.count - 1))
    guard sigmas.count > 1 else { return least }
    let lower = min(Int(place), sigmas.count - 2)
    let (low, high) = (Double(sigmas[lower]), Double(sigmas[lower + 1]))
    return low + (high - low) * (place - Double(lower))
  }

  /// The time of a level, on a line in log σ between those beside it.
  func time(_ sigma: Double) -> Double {
    let wanted = log(max(sigma, 1e-10))
    guard sigmas.count > 1 else { return 0 }
    let below = logarithms.lastIndex { wanted - Double($0) >= 0 } ?? 0
    let lower = min(below, sigmas.count - 2)
    let (low, high) = (Double(logarithms[lower]), Double(logarithms[lower + 1]))
    let share = min(max((low - wanted) / (low - high), 0), 1)
    return (1 - share) * Double(lower) + share * Double(lower + 1)
  }

  /// How many times have a log-SNR λ = −log σ below a bound; they are the last ones.
  func count(belowLambda bound: Double) -> Int {
    logarithms.count { Double(-$0) < bound }
  }
}
