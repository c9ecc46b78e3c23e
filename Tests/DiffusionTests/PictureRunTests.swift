import AttentionTrace
import Diffusion
import Pictures
import PromptText
import TensorEngine
import TestSupport
import Testing

/// Runs that begin from a picture, against diffusers; made by `make_image_goldens.py`.
@Suite("Runs from a picture")
struct PictureRunTests {
  /// A golden run of img2img.
  struct Golden: Sendable {
    let name: String

    /// Checkpoint, scheduler, steps; the strength holds a point of its own.
    private var parts: [Substring] { name.split(separator: ".") }
    var model: String { String(parts[0]) }
    var scheduler: String { String(parts[1]) }
    var steps: Int { Int(parts[2]) ?? 0 }
    var strength: Double { Double(parts[3...].joined(separator: ".")) ?? 0 }
  }

  static let golden = try? PhotoTests.golden("runs.safetensors")
  static let goldens = (golden?.names ?? []).filter { $0.hasSuffix(".start") }.sorted()
    .map { Golden(name: String($0.dropLast(6))) }

  static let models = ["tiny-sd1", "tiny-sd2"]

  private func model(_ name: String) throws -> StableDiffusion {
    try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/" + name))
  }

  private func request(_ method: any Method = PlainDiffusion()) throws -> RunRequest {
    var request = RunRequest("a mouse and a red car", seed: 7, method: method, subjects: [])
    request.picture = try StartPicture(PhotoTests.folder + "/photo.png")
    return request
  }

  private func expected(_ name: String) throws -> Tensor {
    let tensor = try #require(Self.golden).tensor(name)
    return tensor.rank == 3 ? tensor.reshaped([1] + tensor.shape) : tensor
  }

  @Test("The goldens are there")
  func goldensAreThere() { #expect(Self.goldens.count == 24) }

  @Test("Every scheduler begins and ends where diffusers' img2img does", arguments: models)
  func img2img(_ name: String) throws {
    let model = try model(name)
    for golden in Self.goldens where golden.model == name {
      var request = try request()
      request.scheduler = golden.scheduler
      request.steps = golden.steps
      request.picture?.strength = golden.strength
      var sequence = try model.sequence(request)
      let corner = sequence.latent.sliced(axis: 2, 0..<8).sliced(axis: 3, 0..<8)
      let start = try expected(golden.name + ".start")
      expectClose(corner, start, relative: 1e-4, "\(golden.name) at its start")
      while try sequence.next() != nil {}
      expectClose(sequence.latent, try expected(golden.name), relative: 2e-4, golden.name)
    }
  }

  @Test("Attend-and-Excite counts the iterations that are made", arguments: models)
  func excited(_ name: String) throws {
    let schedule = GradientSchedule(maxIterations: 3, thresholds: [:])
    var request = try request(AttendAndExcite(schedule: schedule))
    request.subjects = ["mouse", "car"]
    request.scheduler = "ddim"
    request.steps = 10
    request.picture?.strength = 0.7
    request.stopsAtEnd = false
    request.grid = Grid(rows: 16, columns: 16)
    var sequence = try model(name).sequence(request)
    #expect(sequence.count == 7)
    while try sequence.next() != nil {}
    expectClose(sequence.latent, try expected(name + ".excited"), relative: 2e-4)
  }

  @Test("A run that was cut off goes on where it was")
  func resumes() throws {
    let model = try model("tiny-sd1")
    for scheduler in ["lms", "dpmsolver++", "euler-ancestral", "pndm"] {
      var request = try request()
      request.scheduler = scheduler
      (request.steps, request.guidanceScale) = (6, 1)
      request.picture?.strength = 0.7
      var whole = try model.sequence(request)
      _ = try whole.next()
      _ = try whole.next()
      var rest = try model.sequence(request)
      try rest.resume(from: whole.state)
      while try whole.next() != nil {}
      while try rest.next() != nil {}
      #expect(rest.latent.values == whole.latent.values, "\(scheduler)")
    }
  }

  @Test(
    "A strength that leaves no step, or is none, is refused",
    arguments: [0, 0.05, -0.1, 1.1, .nan, .infinity])
  func strength(_ strength: Double) throws {
    var request = try request()
    request.steps = 10
    request.picture?.strength = strength
    let model = try model("tiny-sd1")
    #expect(throws: DiffusionError.self) { try model.plan(request) }
    #expect(throws: DiffusionError.self) { try model.sequence(request) }
  }
}

@Suite("Explanations of a picture")
struct ExplanationTests {
  static let models = PictureRunTests.models
  private static let times = [799, 261]

  /// Keeps every cross-attention it is shown, by time and site.
  private final class MapKeeper: AttentionObserver, @unchecked Sendable {
    var maps: [String: [Float]] = [:]

    func wants(_ site: AttentionSite, _ point: AttentionPoint, in pass: AttentionPass) -> Bool {
      site.kind == .cross && point == .probabilities
    }

    func observe(
      _ values: Span<Float>, at site: AttentionSite, _ point: AttentionPoint,
      in pass: AttentionPass
    ) {
      maps["\(Int(pass.timestep)).\(site.path)"] = values.indices.map { values[$0] }
    }
  }

  private func request(_ times: [Int], guidance: Double = 1) throws -> RunRequest {
    var request = RunRequest(
      "a cat and a frog", seed: 7, method: PictureExplanation(times: times),
      subjects: ["cat", "frog"])
    request.picture = try StartPicture(PhotoTests.folder + "/photo.png")
    request.guidanceScale = guidance
    request.grid = Grid(rows: 16, columns: 16)
    return request
  }

  private func model(_ name: String) throws -> StableDiffusion {
    try StableDiffusion(Checkpoint(TemporaryCheckpoint.fixtures + "/" + name))
  }

  @Test("Latents, maps, excitation scores and loss are those of diffusers", arguments: models)
  func golden(_ name: String) throws {
    let golden = try #require(PictureRunTests.golden)
    let keeper = MapKeeper()
    let model = try model(name)
    let log = MeasurementLog()
    var sequence = try model.sequence(
      request(Self.times), observers: [keeper], report: { log.values.append($1) })
    for time in Self.times {
      let noisy = try golden.tensor("\(name).noisy.\(time)")
      expectClose(
        sequence.latent.reshaped(noisy.shape), noisy, relative: 1e-4, "latent at \(time)")
      _ = try sequence.next()
    }
    #expect(try sequence.next() == nil)
    let clean = try golden.tensor("\(name).clean")
    expectClose(sequence.latent.reshaped(clean.shape), clean, relative: 1e-4, "clean latent")
    let prefix = "\(name).map."
    let names = golden.names.filter { $0.hasPrefix(prefix) }
    #expect(names.count == 6)
    for map in names {
      let all = try #require(keeper.maps[String(map.dropFirst(prefix.count))])
      let expected = try golden.tensor(map)  // [head, pixel, token], the first 7 tokens
      let first = stride(from: 0, to: all.count, by: 77).flatMap { all[$0..<$0 + 7] }
      expectClose(first, expected.values.map(Double.init), relative: 2e-4, map)
    }
    for (time, measurement) in zip(Self.times, log.values) {
      let measured = try #require(measurement)
      let maxima = try golden.tensor("\(name).maxima.\(time)").values
      expectClose(measured.scores, maxima.map(Double.init), relative: 0, absolute: 1e-3)
      let loss = try golden.tensor("\(name).loss.\(time)").values
      expectClose([measured.loss], loss.map(Double.init), relative: 0, absolute: 1e-3)
    }
  }

  private final class MeasurementLog {
    var values: [PassMeasurement?] = []
  }

  @Test("The picture of an explanation is the photo as it was shown, whatever the latent")
  func picture() throws {
    let model = try model("tiny-sd1")
    let run = try model.plan(request([500]))
    let pixels = try run.pixels(Tensor.full(0, shape: [1, 4, 32, 32]))
    #expect(pixels == run.picture?.fitted(to: ImageSize(width: 256, height: 256)).pixels)
  }

  @Test("Passes are one for each time, of both branches where guidance asks for them")
  func passes() throws {
    let model = try model("tiny-sd1")
    for (guidance, branches) in [
      (1.0, [Branch.conditional]), (7.5, [.unconditional, .conditional]),
    ] {
      let passes = try model.plan(request(Self.times, guidance: guidance)).passes
      #expect(passes.map(\.timestep) == [799, 261])
      #expect(passes.allSatisfy { $0.branches == branches && $0.phase == .denoise })
    }
  }

  @Test("Times that are not trained, twice the same, or none are refused")
  func badTimes() throws {
    let model = try model("tiny-sd1")
    for times in [[], [1000], [-1], [5, 5], [.max], [.min]] {
      #expect(throws: DiffusionError.self) { try model.sequence(request(times)) }
      #expect(throws: DiffusionError.self) { try model.checkpoint.validTimes(times) }
    }
    var without = try request([500])
    without.picture = nil
    #expect(throws: DiffusionError.self) { try model.sequence(without) }
    #expect(try model.checkpoint.validTimes([0, 999, 500]) == [999, 500, 0])
    #expect([0, 0.5, 1].map(model.checkpoint.time) == [0, 500, 999])
  }

  @Test("A manifest names the picture, and tells one picture from another")
  func manifest() throws {
    let model = try model("tiny-sd1")
    func manifest(_ request: RunRequest) throws -> RunManifest {
      try model.plan(request).manifest(RunProvenance(version: "", date: "2026-01-01T00:00:00Z"))
    }
    let explained = try manifest(request([500]))
    #expect(explained.picture?.sha256.count == 64)
    #expect(explained.picture?.strength == nil)
    #expect(explained.timesteps == [500])
    #expect(explained.method.name == "explain")
    #expect(explained.scheduler["name"] == "none")
    var begun = try request([500])
    begun.method = PlainDiffusion()
    begun.picture?.strength = 0.25
    #expect(try manifest(begun).picture?.strength == 0.25)
    begun.picture?.fit = .crop
    #expect(try manifest(begun).picture?.fit == "crop")
    begun.picture = nil
    #expect(try manifest(begun).picture == nil)
  }
}
