import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import Testing

/// Wants everything, and keeps what a test asks for.
private final class Onlooker: AttentionObserver {
  struct Sight: Equatable {
    let path: String
    let point: AttentionPoint
  }

  var seen: [Sight] = []
  var worstRow: Float = 0
  var kept: [String: [Float]] = [:]
  var keeps: Set<String> = []

  func wants(_ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass) -> Bool {
    true
  }

  func observe(
    _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass
  ) {
    seen.append(Sight(path: site.path, point: point))
    let perPixel = point == .queries ? site.width ?? 0 : site.heads * site.keys
    #expect(values.count == pass.branches.count * site.grid.pixels * perPixel)
    if keeps.contains(site.path + point.rawValue) {
      kept[site.path + point.rawValue] = (0..<values.count).map { values[$0] }
    }
    guard point == .probabilities else { return }
    for row in 0..<values.count / site.keys {
      var sum: Double = 0
      for key in 0..<site.keys { sum += Double(values[row * site.keys + key]) }
      worstRow = max(worstRow, Float(abs(sum - 1)))
    }
  }
}

@Suite("Looking at attention")
struct AttentionObserverTests {
  private func sequence(
    _ model: LoadedCheckpoint, _ observers: [any AttentionObserver]
  ) throws -> DenoisingSequence {
    try DenoisingSequence(
      unet: model.unet, scheduler: model.scheduler(steps: 3), latent: model.noise(2),
      embeddings: (model.embedding("a cat and a frog"), model.embedding("")), guidanceScale: 7.5,
      parts: MethodParts(
        guide: GradientDescent(
          AttendAndExcite.Loss(
            subjects: [Subject(name: "cat", tokens: [2]), Subject(name: "frog", tokens: [5])],
            grid: Grid(rows: 8, columns: 8), pieces: .standard, lastToken: 76, sigma: 0.5,
            kernelSize: 3), AttendAndExciteTests.settings([0: 0.9], tries: 2))),
      observers: observers)
  }

  @Test("Who looks changes no bit of the picture", arguments: ["tiny-sd1", "tiny-sd2"])
  func bitIdentical(_ name: String) throws {
    let model = try LoadedCheckpoint(name)
    var plain = try sequence(model, [])
    while try plain.next() != nil {}
    let onlooker = Onlooker()
    var watched = try sequence(model, [onlooker])
    while try watched.next() != nil {}
    #expect(watched.latent.values == plain.latent.values)
    #expect(onlooker.worstRow < 1e-5)
    let sites = model.unet.sites(rows: 16, columns: 16, tokens: 77)
    // Whole passes, in each of three steps at least one for the loss and one to denoise.
    let perPass = 5 * sites.count / 2
    #expect(onlooker.seen.count.isMultiple(of: perPass) && onlooker.seen.count >= 6 * perPass)
    #expect(onlooker.seen.contains { $0.point == .queries })
  }

  @Test(
    "A pass shows the sites that the weight file has, each at its points, in their order",
    arguments: ["tiny-sd1", "tiny-sd2"], [Grid(rows: 16, columns: 16), Grid(rows: 13, columns: 6)])
  func order(name: String, grid: Grid) throws {
    let model = try LoadedCheckpoint(name)
    let onlooker = Onlooker()
    let pass = AttentionPass(step: 0, timestep: 500, phase: .denoise, branches: [.conditional])
    _ = try model.unet(
      model.noise(1, rows: grid.rows, columns: grid.columns), timestep: 500,
      text: model.embedding("a cat"), tap: AttentionTap(pass: pass, observers: [onlooker]))
    let sites = model.unet.sites(rows: grid.rows, columns: grid.columns, tokens: 77)
    let expected = sites.flatMap { site in
      AttentionPoint.allCases.filter { site.kind == .cross || $0 != .queries }
        .map { Onlooker.Sight(path: site.path, point: $0) }
    }
    #expect(onlooker.seen == expected)
    let file = try SafetensorsFile(
      path: TemporaryCheckpoint.fixtures + "/\(name)/" + TemporaryCheckpoint.unet)
    let suffix = ".to_q.weight"
    let layers = file.names.filter { $0.hasSuffix(suffix) }.map {
      String($0.dropLast(suffix.count))
    }
    #expect(Set(sites.map(\.path)) == Set(layers) && sites.count == layers.count)
    for site in sites { #expect(site.path.hasSuffix(site.kind == .cross ? "attn2" : "attn1")) }
  }

  @Test(
    "The probabilities times the values, through the output layer, give the layer's output",
    arguments: [
      "down_blocks.1.attentions.0.transformer_blocks.0.attn2",
      "up_blocks.1.attentions.1.transformer_blocks.0.attn1",
    ])
  func output(_ path: String) throws {
    let file = try SafetensorsFile(
      path: TemporaryCheckpoint.fixtures + "/tiny-sd1/" + TemporaryCheckpoint.unet)
    let isCross = path.hasSuffix("attn2")
    let width = try file.tensor(path + ".to_q.weight").shape[0]
    let (grid, heads) = (Grid(rows: 3, columns: 5), 4)
    let layer = try Attention(
      ParameterScope(try Parameters([file]), path: path), width: width,
      contextWidth: isCross ? 32 : nil,
      heads: heads)
    var source = TorchRandomSource(seed: 1)
    let x = source.normal(shape: [2, grid.pixels, width])
    let context = source.normal(shape: [2, 77, 32])
    let onlooker = Onlooker()
    onlooker.keeps = [path + "probabilities", path + "scores"]
    let pass = AttentionPass(
      step: 0, timestep: 1, phase: .denoise, branches: [.unconditional, .conditional])
    let seen = try layer(
      x, context: context, grid: grid, tap: AttentionTap(pass: pass, observers: [onlooker]))
    let unseen = try layer(x, context: context, grid: grid, tap: AttentionTap(pass: pass))
    #expect(seen.values == unseen.values)
    let probabilities = try #require(onlooker.kept[path + "probabilities"])
    let scores = try #require(onlooker.kept[path + "scores"])
    let keys = probabilities.count / (2 * heads * grid.pixels)
    #expect(keys == (isCross ? 77 : grid.pixels))
    let values = (isCross ? context : x).linear(try file.weight(path + ".to_v.weight"), nil).values
    let side = width / heads
    var mixed = [Float](repeating: 0, count: x.count)
    for row in 0..<2 * heads * grid.pixels {
      let (batch, head, pixel) = (
        row / (heads * grid.pixels), row / grid.pixels % heads, row % grid.pixels
      )
      let weights = scores[row * keys..<(row + 1) * keys].map { exp(Double($0)) }
      for key in 0..<keys {
        let probability = probabilities[row * keys + key]
        #expect(abs(Double(probability) - weights[key] / weights.reduce(0, +)) < 1e-5)
        for i in 0..<side {
          mixed[(batch * grid.pixels + pixel) * width + head * side + i] +=
            probability * values[(batch * keys + key) * width + head * side + i]
        }
      }
    }
    let expected = Tensor(mixed, shape: x.shape).linear(
      try file.weight(path + ".to_out.0.weight"), try file.tensor(path + ".to_out.0.bias"))
    for (value, expected) in zip(seen.values, expected.values) {
      #expect(abs(value - expected) < 1e-5)
    }
  }

  @Test("A recorded run has the picture of one that is not, and its rows sum to 1")
  func recorded() throws {
    let copy = try TemporaryCheckpoint()
    try copy.set("sample_size", "16", in: "unet/config.json")
    let model = try StableDiffusion(Checkpoint(copy.path))
    let prompt = "a cat and a frog"
    var schedule = GradientSchedule(thresholds: [0: 0.9])
    schedule.maxRefinementSteps = 2
    var request = RunRequest(prompt, seed: 3, method: AttendAndExcite(schedule: schedule))
    request.steps = 3
    request.recording = RecordingPlan(
      layers: ["*", "*attn1"], branches: Set(Branch.allCases), phases: Set(Phase.allCases),
      precision: .float32, queries: ["*"])
    let path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let planned = try model.plan(request)
    let manifest = try planned.manifest(RunProvenance(version: "0", date: ""))
    guard case .fresh(let writer) = try RunWriter.open(RunFolder(path: path), for: manifest) else {
      Issue.record("the folder is not fresh")
      return
    }
    let possible = planned.passes
    let recorder = try AttentionRecorder(
      in: writer, sites: planned.sites,
      capacity: possible.reduce(0) { $0 + $1.branches.count })
    var passes: [AttentionPass] = []
    var recorded = try planned.sequence(observers: [recorder]) { pass, measurement in
      passes.append(pass)
      try recorder.acknowledge(pass, measurement: measurement)
    }
    while try recorded.next() != nil {}
    try recorder.close()
    var plain = try planned.sequence()
    while try plain.next() != nil {}
    #expect(recorded.latent.values == plain.latent.values)
    #expect(try model.pixels(recorded.latent) == model.pixels(plain.latent))
    #expect(passes.allSatisfy(possible.contains))
    let run = try RecordedRun(path)
    #expect(run.sites.map(\.site) == planned.sites)
    #expect(run.queriedSites == run.sites.map(\.site).filter { $0.kind == .cross })
    for call in run.calls {
      for site in run.sites {
        let maps = try #require(try run.maps(site.site.path, call: call.call))
        let rows = maps.values
        for row in stride(from: 0, to: rows.count, by: site.keys) {
          let sum = rows[row..<row + site.keys].reduce(0) { $0 + Double($1) }
          #expect(abs(sum - 1) < 1e-5)
        }
      }
    }
  }
}
