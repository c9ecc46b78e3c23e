import AttentionTrace
import Foundation
import TensorEngine
import TestSupport
import Testing

/// `--precision`, and what kernels compute a run with.
@Suite("Precision")
struct PrecisionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func latent(
    _ output: String, _ arguments: [String] = [], set: String? = nil
  ) throws -> (latent: [Float], manifest: RunManifest) {
    let result = try HeedProcess.run(
      [
        "generate", "a cat", "--method", "stable-diffusion", "--steps", "3", "--model",
        Repository.tinyModel, "-o", output,
      ] + arguments, in: folder.path, environment: set.map { ["HEED_ISA": $0] } ?? [:])
    #expect(result.status == 0, "\(result.stderr)")
    let path = result.stdout.split(separator: "\n").first.map(String.init) ?? ""
    let run = try RecordedRun(folder.path + "/" + path)
    return (try NumpyFile(path: run.folder.latent).tensor().values, run.manifest)
  }

  private func difference(_ one: [Float], _ other: [Float]) -> Float {
    let range = (one.max() ?? 0) - (one.min() ?? 0)
    return (zip(one, other).map { abs($0 - $1) }.max() ?? .nan) / range
  }

  @Test("In bfloat16 a run differs by what it rounds, says so, and is another run")
  func brain() throws {
    let whole = try latent("float32")
    let rounded = try latent("bfloat16", ["--precision", "bfloat16"])
    #expect((1e-5...0.2).contains(difference(whole.latent, rounded.latent)))
    #expect(rounded.manifest.model.files["precision"] == "bfloat16")
    #expect(whole.manifest.model.files["precision"] == nil)
    #expect(try latent("same", ["--precision", "float32"]).latent == whole.latent)
  }

  @Test("Sums of split bfloat16 are float32's to 2·10⁻⁴, and every run names its kernels")
  func split() throws {
    let whole = try latent("float32")
    let split = try latent("split", set: "split")
    #expect(difference(whole.latent, split.latent) < 2e-4)
    #expect(split.latent != whole.latent)
    #expect(split.manifest.provenance.instructionSet == "split")
    #expect(whole.manifest.provenance.instructionSet == InstructionSet.current.rawValue)
  }

  @Test("Another type is refused")
  func refused() throws {
    let result = try HeedProcess.run(
      ["generate", "a cat", "--precision", "int8"], in: folder.path)
    expectRefusal(result, 64, ["--precision", "int8"])
  }
}
