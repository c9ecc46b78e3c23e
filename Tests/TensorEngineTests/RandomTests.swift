import TensorEngine
import Testing

@Suite("Random numbers of torch's CPU generator")
struct RandomTests {
  private static let seeds: [UInt64] = [
    0, 1, 42, 1 << 31, 1 << 32 + 5, 1 << 63, .max,
  ]
  private static let shapes = [
    [1], [15], [16], [17], [31], [32], [33], [100], [4, 64, 64], [3, 5, 7],
  ]

  private func golden(_ name: String) throws -> [Float] {
    try SafetensorsFile(path: fixture("random.safetensors")).tensor(name).values
  }

  @Test("A seed gives torch.randn's numbers", arguments: seeds)
  func normal(seed: UInt64) throws {
    for shape in Self.shapes {
      var source = TorchRandomSource(seed: seed)
      let tensor = source.normal(shape: shape)
      #expect(tensor.shape == shape)
      let values = tensor.values
      let ends = values.count > 64 ? Array(values.prefix(32) + values.suffix(32)) : values
      let expected = try golden(
        "normal/\(seed)/" + shape.map(String.init).joined(separator: "x"))
      #expect(Self.isEqual(ends, expected, exactly: values.count >= 16))
    }
  }

  @Test("A whole starting latent equals torch's in every bit")
  func latent() throws {
    var source = TorchRandomSource(seed: 42)
    #expect(source.normal(shape: [4, 64, 64]).values == (try golden("latent/42")))
  }

  @Test("Draws one after another from one generator are torch's")
  func sequence() throws {
    let file = try SafetensorsFile(path: fixture("random.safetensors"))
    var source = TorchRandomSource(seed: 7)
    let values = try file.integers("sequence/counts").flatMap { source.normal(count: $0) }
    let expected = try golden("sequence/values")
    #expect(Self.isEqual(values, expected, exactly: false))
  }

  @Test("Uniform numbers are torch.rand's")
  func uniform() throws {
    var source = TorchRandomSource(seed: 3)
    let values = source.uniform(count: 1000)
    #expect(Array(values.prefix(32) + values.suffix(32)) == (try golden("uniform/3")))
  }

  @Test("The corners in the small checkpoint's goldens are reproduced")
  func corners() throws {
    let fixtures = fixture("").replacing("TensorEngineTests", with: "DiffusionTests")
    let file = try SafetensorsFile(path: fixtures + "tiny-sd1/golden.safetensors")
    for shape in [[1, 4, 8, 8], [1, 4, 64, 64], [1, 3, 5, 7], [1, 1, 1, 15]] {
      var source = TorchRandomSource(seed: 42)
      let values = source.normal(shape: shape).values
      let name = "random.torch_cpu." + shape.map(String.init).joined(separator: "x")
      let corner = try file.tensor(name)
      let (rows, columns) = (min(8, shape[2]), min(8, shape[3]))
      #expect(corner.shape == [1, shape[1], rows, columns])
      let ours = (0..<corner.count).map { position in
        let (channel, within) = position.quotientAndRemainder(dividingBy: rows * columns)
        let (row, column) = within.quotientAndRemainder(dividingBy: columns)
        return values[(channel * shape[2] + row) * shape[3] + column]
      }
      #expect(Self.isEqual(ours, corner.values, exactly: values.count >= 16))
    }
  }

  @Test("No numbers are drawn for an empty shape's zero extent")
  func empty() {
    var (first, second) = (TorchRandomSource(seed: 1), TorchRandomSource(seed: 1))
    #expect(first.normal(shape: [0, 4]).values.isEmpty)
    #expect(first.normal(count: 16) == second.normal(count: 16))
  }

  /// Single draws go through the system's double-precision functions, which may differ in the
  /// last bit; blocks of 16 do not.
  private static func isEqual(_ values: [Float], _ expected: [Float], exactly: Bool) -> Bool {
    values.count == expected.count
      && zip(values, expected).allSatisfy { abs($0 - $1) <= (exactly ? 0 : 1e-6) }
  }
}
