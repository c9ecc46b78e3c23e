internal import Glibc

/// The numbers of `torch.Generator("cpu").manual_seed(seed)`, draw for draw.
///
/// From 16 numbers on, `torch.randn` pairs uniform floats by Box and Muller's transform in blocks
/// of 16; below that it draws doubles one by one and keeps the second of each pair for later.
/// Results equal torch's on x86-64 with AVX2 bit for bit; elsewhere torch itself differs by 2e-6.
///
/// Source: pytorch/pytorch, aten/src/ATen/native/cpu/DistributionTemplates.h and
/// aten/src/ATen/core/DistributionsHelper.h.
public struct TorchRandomSource: RandomSource {
  private static let block = 16

  private var generator: MersenneTwister
  /// The second number of a pair, left over from an odd number of single draws.
  private var pending: Double?

  /// Seeds the source as `manual_seed` does, which uses the lower 32 bits of `seed`.
  ///
  /// A negative seed of torch is given by its two's complement.
  public init(seed: UInt64) {
    generator = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed))
  }

  /// Draws the numbers of `torch.randn(count)` in float32.
  public mutating func normal(count: Int) -> [Float] {
    guard count >= 0 else { bug("\(count) random numbers") }
    guard count >= Self.block else { return (0..<count).map { _ in Float(single()) } }
    var values = uniform(count: count)
    for start in stride(from: 0, through: count - Self.block, by: Self.block) {
      Self.transform(&values, from: start)
    }
    if count % Self.block != 0 {
      // The last 16 numbers are newly drawn, over a part of the block before.
      values.replaceSubrange((count - Self.block)..., with: uniform(count: Self.block))
      Self.transform(&values, from: count - Self.block)
    }
    return values
  }

  /// Draws the numbers of `torch.rand(count)` in float32, in [0, 1).
  public mutating func uniform(count: Int) -> [Float] {
    guard count >= 0 else { bug("\(count) random numbers") }
    return (0..<count).map { _ in Float(generator.draw() & 0xFF_FFFF) * 0x1p-24 }
  }

  private mutating func uniformDouble() -> Double {
    let upper = UInt64(generator.draw())
    let lower = UInt64(generator.draw())
    return Double((upper << 32 | lower) & 0x1F_FFFF_FFFF_FFFF) * 0x1p-53
  }

  private mutating func single() -> Double {
    if let value = pending {
      pending = nil
      return value
    }
    let angle = 2 * Double.pi * uniformDouble()
    let radius = (-2 * log1p(-uniformDouble())).squareRoot()
    pending = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Turns 16 uniform numbers into normal ones: 8 for the radii, then 8 for the angles.
  private static func transform(_ values: inout [Float], from start: Int) {
    for position in start..<start + block / 2 {
      let radius = (-2 * CephesMath.log(1 - values[position])).squareRoot()
      let (sine, cosine) = CephesMath.sineAndCosine(
        Float(2 * Double.pi) * values[position + block / 2])
      // Adding zero turns a negative zero positive, as the addition of the mean does in torch.
      values[position] = radius * cosine + 0
      values[position + block / 2] = radius * sine + 0
    }
  }
}
