import TensorEngine
import Testing

@Suite("Other libraries' random numbers")
struct RandomSourceTests {
  /// Counter, key and output of `philox4x32 10` in tests/kat_vectors of DEShawResearch/random123.
  private static let knownAnswers: [(SIMD4<UInt32>, SIMD2<UInt32>, SIMD4<UInt32>)] = [
    (.zero, .zero, SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
    (
      SIMD4(repeating: .max), SIMD2(repeating: .max),
      SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
    ),
    (
      SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      SIMD2(0xa409_3822, 0x299f_31d0),
      SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
    ),
  ]

  @Test("Philox gives Random123's known answers", arguments: knownAnswers.indices)
  func philox(_ index: Int) {
    let (counter, key, expected) = Self.knownAnswers[index]
    #expect(Philox.words(counter: counter, key: key) == expected)
  }

  /// `torch.manual_seed(0); torch.randn(8, 8, device="cuda")`, printed to four digits.
  ///
  /// Source: published output of kapilsh/cuda-mode-lecture, README.md.
  private static let cudaSeed0: [Float] = [
    -0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284,
    -1.0745, -0.3631, -1.6711, 2.2655, 0.3117, -0.1842, 1.2866, 1.1820,
    -0.1271, 1.2169, 1.4353, 1.0605, -0.4941, -1.4244, -0.7244, -1.2973,
    0.0697, -0.0074, 1.8969, 0.6878, -0.0779, -0.8373, 1.3506, -0.2879,
    -0.5965, -0.3283, -0.9086, -0.8059, -0.7407, -0.0504, 0.5435, 1.5150,
    0.0141, 0.4532, 1.6349, 0.7124, -0.1806, 1.0252, -1.4622, -0.7554,
    -0.1836, 0.3824, 0.3918, -0.0830, 0.8971, -1.1123, 0.1116, 0.4863,
    -0.5499, -0.3231, -0.5469, 0.9049, 0.2837, 0.1210, 0.4730, -1.0823,
  ]

  /// `max(x + y / 2 + bias, 0)` of that draw `x` [8, 8] and the two that follow it from the same
  /// generator, `y` [8, 8] and `bias` [8]; from the same place.
  private static let cudaSeed0Sum: [Float] = [
    1.7098, 0, 0, 0, 6.7049e-1, 0, 3.4424e-1, 1.1223e-2,
    1.8750, 0, 0, 2.2105, 6.6808e-1, 0, 1.8445, 1.9246,
    2.2614, 1.3964, 5.1802e-1, 2.0114, 0, 0, 2.7715e-1, 0,
    2.4750, 0, 1.9079, 5.4869e-1, 3.7923e-1, 0, 3.1791, 6.6843e-1,
    1.8234, 0, 1.1147e-1, 0, 0, 0, 2.4250, 3.2593,
    2.2903, 0, 1.1721, 6.9331e-1, 1.0583, 6.7518e-1, 0, 2.6185e-1,
    1.5804, 0, 9.0740e-1, 1.6670e-1, 5.5230e-2, 0, 1.5325, 3.5984e-1,
    1.5554, 0, 0, 9.4380e-1, 2.9795e-3, 7.4125e-2, 1.6286, 0,
  ]

  @Test("A seed gives the numbers that torch.randn printed on a GPU")
  func cuda() {
    var source = RandomSourceKind.torchCUDA.make(seed: 0)
    let values = source.normal(shape: [8, 8]).values
    #expect(zip(values, Self.cudaSeed0).allSatisfy { abs($0 - $1) <= 5.1e-5 })
    // flashinfer-ai/flashinfer, flashinfer/logits_processor/operators.py: torch.randn(2, 5).
    var other = RandomSourceKind.torchCUDA.make(seed: 42)
    let expected: [Float] = [
      0.1940, 2.1614, -0.1721, 0.8491, -1.9244, 0.6530, -0.6494, -0.8175, 0.5280, -1.2753,
    ]
    #expect(zip(other.normal(count: 10), expected).allSatisfy { abs($0 - $1) <= 5.1e-5 })
  }

  @Test("Draws one after another are those of one generator on a GPU")
  func cudaSequence() {
    var source = TorchCUDARandomSource(seed: 0)
    let (x, y) = (source.normal(count: 64), source.normal(count: 64))
    #expect(source.normal(count: 0).isEmpty)
    let bias = source.normal(count: 8)
    for (index, expected) in Self.cudaSeed0Sum.enumerated() {
      let sum = max(x[index] + y[index] / 2 + bias[index % 8], 0)
      #expect(abs(sum - expected) <= 6e-5, "\(index)")
    }
  }

  @Test("All 64 bits of a seed count on a GPU")
  func cudaSeeds() {
    var first = TorchCUDARandomSource(seed: 5)
    var second = TorchCUDARandomSource(seed: 1 << 32 + 5)
    #expect(first.normal(count: 64) != second.normal(count: 64))
  }

  @Test(
    "A seed gives RandomState.randn's numbers, also over several draws",
    arguments: [UInt64(0), 42, 1 << 31, UInt64(UInt32.max)])
  func numpy(seed: UInt64) throws {
    let file = try SafetensorsFile(path: fixture("numpy-random.safetensors"))
    var source = RandomSourceKind.numpy.make(seed: seed)
    var values: [Float] = []
    for count in [3, 1, 16, 7, 4 * 64 * 64, 5] {
      let drawn = source.normal(count: count)
      values += count > 64 ? Array(drawn.prefix(32) + drawn.suffix(32)) : drawn
    }
    let expected = try file.tensor("sequence/\(seed)").values
    #expect(values.count == expected.count)
    // The system's double-precision logarithm may differ in its last bit, float32 hardly ever.
    for (value, expected) in zip(values, expected) {
      #expect(abs(value - expected) <= expected.ulp)
    }
  }

  @Test(
    "Every source is normal: its moments over a latent are those of the distribution",
    arguments: RandomSourceKind.allCases)
  func moments(_ kind: RandomSourceKind) {
    var source = kind.make(seed: 4_000_000_000)
    let values = source.normal(count: 65_536).map(Double.init)
    func moment(_ power: Int) -> Double {
      let powers = values.map { value in (0..<power).reduce(1) { product, _ in product * value } }
      return powers.reduce(0, +) / Double(values.count)
    }
    #expect(abs(moment(1)) < 0.02 && abs(moment(2) - 1) < 0.03)
    #expect(abs(moment(3)) < 0.06 && abs(moment(4) - 3) < 0.2)
  }
}
