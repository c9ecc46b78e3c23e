private import Foundation

/// Adam's memory of one parameter.
///
/// - Reference: Kingma & Ba, Adam, ICLR 2015, algorithm 1; ε as InitNO has it.
package struct Adam {
  private var first: [Float]
  private var second: [Float]
  private var count = 0
  private static let decay: (first: Float, second: Float) = (0.9, 0.999)
  private static let epsilon: Float = 1e-3

  /// The memory of so many numbers.
  package init(_ count: Int) {
    first = [Float](repeating: 0, count: count)
    second = first
  }

  /// One step against `slope`.
  package mutating func step(_ values: inout [Float], _ slope: [Float], rate: Double) {
    count += 1
    let correction = (
      first: 1 - pow(Self.decay.first, Float(count)),
      second: 1 - pow(Self.decay.second, Float(count))
    )
    for place in values.indices {
      let g = slope[place]
      first[place] += (1 - Self.decay.first) * (g - first[place])
      second[place] += (1 - Self.decay.second) * (g * g - second[place])
      let root = (second[place] / correction.second).squareRoot() + Self.epsilon
      values[place] -= Float(rate) * first[place] / correction.first / root
    }
  }
}
