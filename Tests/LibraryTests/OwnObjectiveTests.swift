import Foundation
import Heed
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

  @Test("Its run is recorded, checked, drawn under its title and read back as a request")
  func recorded() throws {
    let folder = try Folder()
    let model = try StableDiffusion(.bundled)
    var method = KeepApart()
    method.schedule.maxIterations = 3
    var request = RunRequest(Self.prompt, seed: 0, method: method)
    request.steps = 4
    request.recording = RecordingPlan(layers: ["16x16"], phases: [.loss, .denoise])
    let run = try Runner(model).run(request, in: folder.path)
    #expect(try RunCheck(run.folder.path).problems.isEmpty)
    #expect(run.manifest.method.title == "Keep apart")
    #expect(run.manifest.value(ofKnob: "max-iter-to-alter") == "3")
    // The loss is recorded in every iteration, altered or not.
    #expect(run.calls.filter { $0.phase == .loss }.map(\.step) == [0, 1, 2, 3])
    request.method = PlainDiffusion()
    let plain = try Runner(model).run(request, in: folder.path)
    let scene = folder.path + "/methods.json"
    try Sheet(.methods, of: [plain, run]).write(to: scene)
    #expect(try String(contentsOfFile: scene, encoding: .utf8).contains("Keep apart"))
    #expect(throws: DiffusionError.self) { try RunRequest(run.manifest.request) }
    try Methods.$all.withValue(Methods.all + [KeepApart()]) {
      let again = try RunRequest(run.manifest.request)
      #expect((again.method as? KeepApart)?.schedule.maxIterations == 3)
      let sweep = try Sweep("step-size=1,2", of: again.method)
      #expect(try sweep.request(again, turnedTo: "2").variation == "scale-factor-2")
    }
  }

  @Test("A method that changes attention is one too")
  func tilt() throws {
    let model = try StableDiffusion(.bundled)
    func latent(_ method: any Method) throws -> [Float] {
      var request = RunRequest(Self.prompt, seed: 0, method: method)
      request.steps = 2
      var run = try model.sequence(request)
      while try run.next() != nil {}
      return run.latent.values
    }
    var idle = Tilt()
    idle.factor = 1
    #expect(try latent(idle) == latent(PlainDiffusion()))
    #expect(try latent(Tilt()) != latent(PlainDiffusion()))
    var request = RunRequest(Self.prompt, seed: 0)
    (request.steps, request.recording) = (26, RecordingPlan(layers: ["16x16"]))
    try printPeak(of: request, by: model)
  }

  @Test("The code on the page of the library is what is compiled here")
  func page() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let page = try Page("Documentation/library.md").text
    for name in ["Apart.swift", "Tilt.swift"] {
      let code = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      #expect(page.contains("```swift\n\(code)```"), "\(name)")
    }
    let lines = try String(contentsOf: folder.appending(path: "MemoryMaps.swift"), encoding: .utf8)
      .split(separator: "\n").filter { $0.hasPrefix("  ") }.map { $0.dropFirst(2) + "\n" }
    #expect(page.contains("```swift\n" + lines.joined() + "```"))
  }
}
