private import Foundation

/// The beta distribution over 0…1.
///
/// - Reference: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.5; its continued fraction
///   26.5.8 by Lentz's method (Thompson & Barnett, Journal of Computational Physics 64, 1986).
package struct BetaDistribution {
  private let a: Double
  private let b: Double
  /// log of 1 / B(a, b).
  private let logScale: Double

  /// - Precondition: both shapes are above 0.
  package init(_ a: Double, _ b: Double) {
    (self.a, self.b) = (a, b)
    logScale = lgamma(a + b) - lgamma(a) - lgamma(b)
  }

  /// The share of the distribution below `x`: the regularised incomplete beta function I_x(a, b).
  func share(below x: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The fraction converges fast on one side of the mean, and the other side is its mirror.
    guard x <= (a + 1) / (a + b + 2) else { return 1 - BetaDistribution(b, a).share(below: 1 - x) }
    let front = exp(logScale + a * log(x) + b * log1p(-x)) / a
    return front / fraction(x)
  }

  private func fraction(_ x: Double) -> Double {
    let tiny = 1e-300
    var (value, numerator, denominator) = (1.0, 1.0, 0.0)
    for step in 1..<400 {
      let m = Double(step / 2)
      let term =
        step.isMultiple(of: 2)
        ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      denominator = 1 + term * denominator
      numerator = 1 + term / numerator
      denominator = 1 / (abs(denominator) < tiny ? tiny : denominator)
      numerator = abs(numerator) < tiny ? tiny : numerator
      let factor = numerator * denominator
      value *= factor
      if abs(factor - 1) < 1e-16 { break }
    }
    return value
  }

  /// The number that a share `p` of the distribution lies below, 0…1, to about 1e-15.
  package func quantile(_ p: Double) -> Double {
    guard p > 0 else { return 0 }
    guard p < 1 else { return 1 }
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high, high - low > 1e-16 else { return middle }
      if share(below: middle) < p { low = middle } else { high = middle }
    }
  }
}
