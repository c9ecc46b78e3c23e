import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite("Schedulers under each other's configurations")
struct SchedulerAcrossTests {
  /// What a class of diffusers does under a configuration; made by `make_scheduler_goldens.py`.
  struct Case: Sendable, CustomTestStringConvertible {
    let className: String
    let config: JSONNode
    let name: String
    let steps: Int
    let eta: Double
    /// Steps that are left out, as in a run from a picture.
    let begin: Int
    /// `nil` where diffusers refuses the configuration.
    let timesteps: [Double]?
    let noiseScale: Double?
    /// `nil` where diffusers' numbers are not finite.
    let final: [Float]?

    var testDescription: String { "\(className), \(steps) steps, configuration \(name)" }

    func scheduler() throws -> any Scheduler {
      let algorithm = try config.optionalMember("algorithm_type")?.string()
      let kind = try #require(SchedulerKind(className: className, algorithm: algorithm))
      return try SchedulerConfiguration(config, for: kind, .none).scheduler(steps: steps, eta: eta)
    }
  }

  static let golden: JSONNode? = try? StrictJSON.read(
    path: TemporaryCheckpoint.fixtures + "/schedulers/across.json")

  static let cases: [Case] = (try? readCases()) ?? []

  private static func readCases() throws -> [Case] {
    guard let golden else { return [] }
    let configs = try golden.member("configs")
    return try golden.member("cases").elements().map { item in
      let name = try item.member("config").string()
      return Case(
        className: try item.member("class").string(), config: try configs.member(name), name: name,
        steps: try item.member("steps").integer(), eta: try item.member("eta").double(),
        begin: try item.member("begin").integer(),
        timesteps: try item.optionalMember("timesteps")?.elements().map {
          try $0.extendedDouble()
        },
        noiseScale: try item.optionalMember("init_noise_sigma")?.double(),
        final: try item.optionalMember("final")?.elements().map { Float(try $0.double()) })
    }
  }

  @Test("Every scheduler is run under the configurations of every other")
  func goldensAreThere() throws {
    let classes = Set(SchedulerKind.allCases.map(\.className))
    for running in classes {
      let files = try Self.cases.filter { $0.className == running }.map {
        try $0.config.optionalMember("_class_name")?.string() ?? ""
      }
      #expect(classes.isSubset(of: files), "\(running)")
    }
    #expect(Self.cases.count > 1200)
  }

  @Test("Times and final samples are those of diffusers", arguments: cases)
  func golden(_ golden: Case) throws {
    guard let timesteps = golden.timesteps else {
      // diffusers starts from the second of two equal first times, and runs out of levels.
      let scheduler = try? golden.scheduler()
      let times = scheduler?.timesteps ?? []
      // `deis` stands for dpmsolver++ there, but is refused with the last level that is the default.
      let algorithm = try golden.config.optionalMember("algorithm_type")?.string()
      #expect(
        times.isEmpty || algorithm == "deis" || times.prefix(2) == [times[0], times[0]],
        "\(golden.config.value)")
      return
    }
    guard let final = golden.final else { return }
    let scheduler = try golden.scheduler()
    let begin = golden.begin * scheduler.evaluationsPerStep
    #expect(scheduler.timesteps.count - begin == timesteps.count)
    // An ancestral step's lower level is a difference of nearly equal squares in float32.
    let tolerance = golden.className == "KDPM2AncestralDiscreteScheduler" ? 0.02 : 1e-3
    for (time, expected) in zip(scheduler.timesteps.dropFirst(begin), timesteps) {
      #expect(abs(time - expected) <= tolerance)
    }
    let scale = try #require(golden.noiseScale)
    #expect(abs(Double(scheduler.initialNoiseScale) - scale) <= 1e-5 * scale)
    let sample = Self.final(scheduler, from: begin, count: final.count, disturbance: 0)
    let shaken = Self.final(scheduler, from: begin, count: final.count, disturbance: 1e-6)
    let range = try #require(final.max()) - (try #require(final.min()))
    // Where rounding is amplified (the sine is a chaotic model), no more can be asked than that.
    let spread = zip(sample, shaken).reduce(0) { max($0, abs($1.0 - $1.1)) }
    for (value, expected) in zip(sample, final) {
      #expect(
        abs(value - expected) <= max(2e-4 * max(1, range), 4 * spread),
        "\(value), \(expected): \(golden.config.value)")
    }
  }

  /// The last sample of a run, its starting noise larger by a share.
  private static func final(
    _ scheduler: any Scheduler, from begin: Int, count: Int, disturbance: Float
  ) -> [Float] {
    var scheduler = scheduler
    var source = TorchRandomSource(seed: 7)
    var sample = source.normal(shape: [1, count, 1, 1]).affine(scale: 1 + disturbance)
    if begin == 0 { sample = sample.affine(scale: scheduler.initialNoiseScale) }
    for index in begin..<scheduler.timesteps.count {
      let input = scheduler.scaledInput(sample, at: index)
      let output = Tensor(
        input.values.map { sin(3 * $0) * 0.5 + 0.1 * Float(index - begin) }, shape: input.shape)
      let fresh = scheduler.drawsNoise(at: index) ? source.normal(shape: sample.shape) : nil
      sample = scheduler.step(output, at: index, sample, noise: fresh)
    }
    return sample.values
  }

  @Test("Quantiles of the beta distribution are SciPy's")
  func quantiles() throws {
    let distribution = BetaDistribution(0.6, 0.6)
    let pairs = try #require(try Self.golden?.member("quantiles").elements())
    #expect(pairs.count == 71)
    for pair in pairs {
      let (share, expected) = (try pair.elements()[0].double(), try pair.elements()[1].double())
      #expect(abs(distribution.quantile(share) - expected) <= 1e-9, "\(share)")
    }
  }
}
