private import Foundation

/// Noise with its own mean and variance for every element.
package struct NoiseDistribution {
  private let start: [Float]
  private let shape: [Int]
  private var mean: [Float]
  private var logVariance: [Float]
  private var meanMoments: Adam
  private var varianceMoments: Adam

  /// The noise as it was drawn: mean 0 and variance 1.
  package init(_ start: Tensor) {
    self.start = start.values
    shape = start.shape
    mean = [Float](repeating: 0, count: start.count)
    logVariance = mean
    meanMoments = Adam(start.count)
    varianceMoments = Adam(start.count)
  }

  /// The noise.
  package var sample: Tensor {
    Tensor(
      start.indices.map { start[$0] * exp(logVariance[$0] / 2) + mean[$0] }, shape: shape)
  }

  /// A step against a loss's slope along the noise.
  package mutating func descend(_ slope: Tensor, rate: Double) {
    let slope = slope.values
    let spread = start.indices.map { slope[$0] * start[$0] * exp(logVariance[$0] / 2) / 2 }
    meanMoments.step(&mean, slope, rate: rate)
    varianceMoments.step(&logVariance, spread, rate: rate)
  }

  /// Kullback and Leibler's divergence from N(0, I), the mean over the numbers.
  package var divergence: Double {
    let sum = mean.indices.reduce(0.0) { sum, place in
      let (m, v) = (Double(mean[place]), Double(logVariance[place]))
      return sum - 0.5 * (1 + v - m * m - exp(v))
    }
    return sum / Double(max(mean.count, 1))
  }

  /// Further steps of the same Adam, down the divergence's own slope, until it is at most `bound`.
  ///
  /// Adam's memory still carries the loss, so that these steps go on along it for a while. Where they do
  /// not come to an end, ``settle(below:)`` makes one.
  package mutating func descendDivergence(below bound: Double, rate: Double) {
    let share = 1 / Float(max(mean.count, 1))
    for _ in 0..<Self.mostSteps where divergence > bound {
      let spread = logVariance.map { (exp($0) - 1) / 2 * share }
      meanMoments.step(&mean, mean.map { $0 * share }, rate: rate)
      varianceMoments.step(&logVariance, spread, rate: rate)
    }
    settle(below: bound)
  }

  /// Some hundred are made with the published numbers.
  private static let mostSteps = 20_000

  /// Brings the noise back towards normal noise, as far as the divergence asks for.
  package mutating func settle(below bound: Double) {
    while true {
      let divergence = divergence
      guard divergence > bound else { return }
      // It is almost quadratic near 0.
      let share = Float(min(0.99, (bound / divergence).squareRoot()))
      mean = mean.map { $0 * share }
      logVariance = logVariance.map { $0 * share }
    }
  }
}
