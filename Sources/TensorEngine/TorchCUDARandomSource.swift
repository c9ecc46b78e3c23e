internal import Glibc

/// The numbers of `torch.Generator("cuda").manual_seed(seed)`, draw for draw.
///
/// In torch's kernel, thread `i` reads Philox's stream of subsequence `i` at the generator's offset
/// and makes four normal numbers of its four words. As long as a tensor has no more elements than
/// the device runs threads, element `i` is the first number of thread `i`, whatever the device, and
/// each tensor moves the offset by four words, which is one counter. A latent of 4×64×64 has 16 384
/// elements; a Tesla T4 runs 40 960 threads, a V100 163 840, an A100 221 184. A tensor of more
/// elements has other numbers on each device; here it goes on with one thread for each element.
///
/// The words are torch's in every bit. The transform differs from a device's in its last digits,
/// by about 1e-6, because devices approximate the sine.
///
/// Source: pytorch/pytorch, aten/src/ATen/native/cuda/DistributionTemplates.h; NVIDIA cuRAND,
/// curand_philox4x32_x.h and curand_normal.h.
public struct TorchCUDARandomSource: RandomSource {
  private let key: SIMD2<UInt32>
  /// The counter that the next tensor reads, of 64 bits.
  private var offset: UInt64 = 0

  /// Seeds the source as `manual_seed` does, with all 64 bits.
  public init(seed: UInt64) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
  }

  /// Draws the numbers of `torch.randn(count, device: "cuda")` in float32.
  public mutating func normal(count: Int) -> [Float] {
    guard count >= 0 else { bug("\(count) random numbers") }
    guard count > 0 else { return [] }
    let values = (0..<UInt64(count)).map { thread in
      let words = Philox.words(
        counter: SIMD4(
          UInt32(truncatingIfNeeded: offset), UInt32(truncatingIfNeeded: offset >> 32),
          UInt32(truncatingIfNeeded: thread), UInt32(truncatingIfNeeded: thread >> 32)),
        key: key)
      return Self.transform(words.x, words.y)
    }
    offset &+= 1
    return values
  }

  /// The first of the pair of normal numbers that Box and Muller's transform makes of two words.
  private static func transform(_ first: UInt32, _ second: UInt32) -> Float {
    // The middle of one of 2³² steps, so that the logarithm's argument is never 0; products are
    // fused into the additions, as the device's compiler does.
    let uniform = Float(0x1p-33).addingProduct(Float(first), 0x1p-32)
    let turn = 0x1p-32 * 2 * Float.pi
    let angle = (turn / 2).addingProduct(Float(second), turn)
    // Adding zero turns a negative zero positive, as the addition of the mean does in torch.
    return (-2 * log(uniform)).squareRoot() * sin(angle) + 0
  }
}
