import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("An objective of one's own, by what the library makes public")
struct OwnObjectiveTests {
  private static let prompt = "a cat and a frog"

  @Test("The example makes a picture, another than without it")
  func example() throws {
    let model = try StableDiffusion(.bundled)
    let pixels = try picture(of: Self.prompt, by: model)
    #expect(pixels.count == 3 * model.trainedSize.width * model.trainedSize.height)
    var plain = try model.sequence(RunRequest(Self.prompt, seed: 0))
    while try plain.next() != nil {}
    #expect(try model.pixels(plain.latent) != pixels)
  }

  @Test("Its loss is lower where it is followed than where it is only measured", arguments: 0..<3)
  func falls(_ seed: UInt64) throws {
    let model = try StableDiffusion(.bundled)
    func losses(altered: Int) throws -> [Float] {
      var method = KeepApart()
      method.schedule.maxIterations = altered
      var request = RunRequest(Self.prompt, seed: seed, method: method)
      request.steps = 12
      var run = try model.sequence(request)
      var losses: [Float] = []
      while let step = try run.next() { losses.append(step.measurement?.loss ?? .nan) }
      return losses
    }
    let (followed, measured) = (try losses(altered: 6), try losses(altered: 0))
    let sums = [followed, measured].map { $0.prefix(6).reduce(0, +) }
    #expect(followed.count == 12 && sums[0] < sums[1], "\(sums)")
  }

  @Test("The lines on the page of the library are those that are compiled here")
  func page() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let root = folder.deletingLastPathComponent().deletingLastPathComponent()
    let code = try String(contentsOf: folder.appending(path: "Apart.swift"), encoding: .utf8)
    let page = try String(
      contentsOf: root.appending(path: "Documentation/library.md"), encoding: .utf8)
    #expect(page.contains("```swift\n\(code)```"))
  }
}
