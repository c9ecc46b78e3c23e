internal import Glibc

/// The numbers of `numpy.random.RandomState(seed).randn`, draw for draw, rounded to float32.
///
/// Marsaglia's polar method over doubles of 53 bits; the second number of each pair is kept for the
/// next draw, also across tensors.
///
/// Source: numpy/numpy, numpy/random/src/legacy/legacy-distributions.c (`legacy_gauss`) and
/// numpy/random/src/mt19937/mt19937.h.
public struct NumpyRandomSource: RandomSource {
  private var generator: MersenneTwister
  /// The second number of a pair, left over from an odd number of draws.
  private var pending: Double?

  /// Seeds the source as `RandomState(seed)` does, which takes no more than 32 bits.
  public init(seed: UInt32) { generator = MersenneTwister(seed: seed) }

  /// Draws the numbers of `randn(count).astype(float32)`.
  public mutating func normal(count: Int) -> [Float] {
    guard count >= 0 else { bug("\(count) random numbers") }
    return (0..<count).map { _ in Float(single()) }
  }

  private mutating func single() -> Double {
    if let value = pending {
      pending = nil
      return value
    }
    while true {
      let (x, y) = (2 * uniform() - 1, 2 * uniform() - 1)
      let square = x * x + y * y
      guard square < 1, square != 0 else { continue }
      let factor = (-2 * log(square) / square).squareRoot()
      pending = factor * x
      return factor * y
    }
  }

  /// The next double of `random_sample`: 53 bits in [0, 1).
  package mutating func uniform() -> Double {
    let upper = Double(generator.draw() >> 5)
    let lower = Double(generator.draw() >> 6)
    return (upper * 0x1p26 + lower) * 0x1p-53
  }

  /// One of `count` places, each as likely: `count` times the next double, rounded down.
  package mutating func place(below count: Int) -> Int { Int(uniform() * Double(count)) }

  /// Appends places of `range`, as many as it has, each as ``place(below:)`` draws it.
  ///
  /// Drawn here in one loop: a call from another module for each takes most of the time.
  package mutating func appendPlaces(of range: Range<Int>, to places: inout [Int]) {
    for _ in range { places.append(range.lowerBound + place(below: range.count)) }
  }
}
