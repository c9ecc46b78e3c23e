import AttentionTrace
import Diffusion
import Foundation
import Synchronization
import TensorEngine
import Testing

/// Adds up multiply-adds.
private final class Sum: OperationObserver {
  private let total = Atomic(0)
  var multiplyAdds: Int { total.load(ordering: .relaxed) }
  func observe(_ record: OperationRecord) {
    total.add(record.multiplyAdds, ordering: .relaxed)
  }
}

@Suite("Benchmark of the engine")
struct BenchmarkTests {
  private func counted(_ body: () throws -> Void) rethrows -> Int {
    let sum = Sum()
    try Operation.$observer.withValue(sum) { try body() }
    return 2 * sum.multiplyAdds
  }

  @Test("A pass counts as many operations as torch counts", arguments: ["tiny-sd1", "tiny-sd2"])
  func flop(_ name: String) throws {
    let file = URL(fileURLWithPath: TemporaryCheckpoint.fixtures + "/flops/flops.json")
    let counts = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: [String: Int]])
    let model = try LoadedCheckpoint(name)
    let vae = try model.checkpoint.makeVAE()
    let configuration = model.checkpoint.unetConfiguration
    let latent = model.noise(
      1, rows: configuration.sampleRows, columns: configuration.sampleColumns)
    let context = try model.embedding("a cat and a frog")
    let pass = AttentionPass(step: 0, timestep: 500, phase: .denoise, branches: [.conditional])
    let unet = try counted {
      _ = try model.unet(latent, timestep: 500, text: context, tap: AttentionTap(pass: pass))
    }
    let decode = try counted { _ = try vae.decode(latent) }
    #expect(counts[name] == ["unet": unet, "decode": decode])
  }

  @Test(
    "Random weights keep the size of what passes through them",
    arguments: [[64, 96], [8, 6, 3, 3]])
  func randomWeights(_ shape: [Int]) {
    let weights = RandomWeights(seed: 1)
    let values = weights.tensor("conv.weight", shape).values.map(Double.init)
    let fanIn = Double(shape[1...].reduce(1, *))
    let variance = values.map { $0 * $0 }.reduce(0, +) / Double(values.count)
    // The variance of n uniform numbers' squares: within five standard errors.
    #expect(abs(variance * fanIn - 1) < 5 * (0.8 / Double(values.count)).squareRoot())
    #expect(abs(values.reduce(0, +)) < 5 * (Double(values.count) / fanIn).squareRoot())
    #expect(
      weights.tensor("conv.weight", shape).values == weights.tensor("conv.weight", shape).values)
    #expect(
      weights.tensor("other.weight", shape).values != weights.tensor("conv.weight", shape).values)
    #expect(weights.tensor("norm.weight", [3]).values == [1, 1, 1])
    #expect(weights.tensor("norm.bias", [3]).values == [0, 0, 0])
  }

  @Test("The shapes of Stable Diffusion are those of the published checkpoints")
  func shapes() throws {
    let sd14 = try ModelShapes.sd14.checkpoint(RandomWeights(seed: 0))
    let sd21 = try ModelShapes.sd21.checkpoint(RandomWeights(seed: 0))
    #expect([sd14, sd21].map(\.unetConfiguration.levels.count) == [4, 4])
    #expect([sd14, sd21].map(\.unetConfiguration.contextWidth) == [768, 1024])
    #expect([sd14, sd21].map(\.unetConfiguration.sampleRows) == [64, 64])
    #expect([sd14, sd21].map(\.vaeConfiguration.factor) == [8, 8])
    #expect([sd14, sd21].map(\.textConfiguration.vocabulary) == [49408, 49408])
    let sdxl = try ModelShapes.sdxl.checkpoint(RandomWeights(seed: 0))
    #expect(sdxl.isXL && sdxl.unetConfiguration.contextWidth == 2048)
    #expect(sdxl.secondTextConfiguration?.layers == 32)
  }
}
