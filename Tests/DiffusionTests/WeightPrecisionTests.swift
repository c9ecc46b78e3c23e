import AttentionTrace
import Diffusion
import TensorEngine
import Testing

@Suite("What weights are kept in")
struct WeightPrecisionTests {
  private func checkpoint(_ name: String, _ precision: WeightPrecision?) throws -> Checkpoint {
    var options = CheckpointOptions()
    options.weights = precision
    return try Checkpoint(TemporaryCheckpoint.fixtures + "/" + name, options)
  }

  private func noise(_ name: String, _ precision: WeightPrecision?) throws -> [Float] {
    let unet = try checkpoint(name, precision).makeUNet()
    var source = TorchRandomSource(seed: 5)
    let latent = source.normal(shape: [1, unet.configuration.channels, 16, 16])
    let context = source.normal(shape: [1, 77, unet.configuration.contextWidth])
    let pass = AttentionPass(step: 0, timestep: 500, phase: .denoise, branches: [.conditional])
    return try unet(
      latent, timestep: 500, text: PromptEmbedding(context), tap: AttentionTap(pass: pass)
    ).values
  }

  @Test(
    "16-bit weights give the same bytes, widened when they are opened or as they are used",
    arguments: ["single-sd1", "single-sd2", "sharded"])
  func widened(_ name: String) throws {
    let asInFile = try noise(name, nil)
    #expect(try noise(name, .float32) == asInFile)
    #expect(try noise(name, .float16) == asInFile)
  }

  @Test("float32 weights rounded to float16 give nearly the same, and have other hashes")
  func rounded() throws {
    let (exact, rounded) = (try noise("tiny-sd1", nil), try noise("tiny-sd1", .float16))
    let error = zip(exact, rounded).map { abs($0 - $1) }.max() ?? .infinity
    let range = exact.map(abs).max() ?? 0
    #expect(error > 0 && error < 5e-3 * range, "\(error) of \(range)")
    #expect(
      try checkpoint("tiny-sd1", nil).hashes() != checkpoint("tiny-sd1", .float16).hashes())
  }
}
