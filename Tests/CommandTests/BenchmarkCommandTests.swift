import Foundation
import TestSupport
import Testing

/// `heed benchmark engine`.
@Suite("Benchmark")
struct BenchmarkCommandTests {
  private struct Report: Decodable {
    struct Speed: Decodable {
      let seconds, gigaflop, speed, sgemm, shareOfSgemm: Double
    }
    struct Share: Decodable {
      let kind: String
      let seconds, gigaflop: Double
    }
    struct Pass: Decodable {
      let pass, name: String
      let seconds: Double
      let speed: Speed
      let samples: [Double]
      let peakMemory: Int?
      let shares: [Share]
    }
    struct Image: Decodable {
      let basis: String
      let stepsMade: Int
      let speed: Speed
      let peakMemory: Int?
    }
    let model, weights: String
    struct Others: Decodable {
      let instructionSet: String
      let passes: [Pass]
    }
    let threads: Int
    let instructionSet: String
    let others: [Others]
    let passes: [Pass]
    let image: Image?
  }

  private func report(_ arguments: String...) throws -> Report {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["benchmark", "engine", "--json"] + arguments, in: folder.path,
      environment: ["HEED_THREADS": "2"])
    #expect(result.status == 0, "\(result.stderr)")
    #expect(folder.names.isEmpty)
    return try JSONDecoder().decode(Report.self, from: Data(result.stdout.utf8))
  }

  private static let passes = [
    "text", "unet", "unet-pair", "loss-forward", "loss-backward", "step", "decode",
  ]

  @Test("Every pass is measured, and the picture estimated from them")
  func everyPass() throws {
    let report = try report("--shapes", "menagerie", "--repeats", "2")
    #expect(report.weights == "random float32" && report.threads == 2)
    #expect(report.passes.map(\.pass) == Self.passes)
    for pass in report.passes {
      let speed = pass.speed
      #expect(pass.samples.count == 2 && pass.samples.allSatisfy { $0 > 0 })
      #expect(abs(speed.seconds - (pass.samples[0] + pass.samples[1]) / 2) <= 1e-9)
      #expect(abs(speed.speed * speed.seconds - speed.gigaflop) <= 1e-9 * speed.gigaflop)
      #expect((0.01...2).contains(speed.shareOfSgemm), "\(pass.pass)")
      let parts = pass.shares.map(\.seconds).reduce(0, +)
      #expect(abs(parts - speed.seconds) <= 1e-6 * speed.seconds)
      #expect(pass.peakMemory.map { $0 > 1 << 20 } ?? true)
    }
    func gigaflop(_ name: String) -> Double {
      report.passes.first { $0.pass == name }?.speed.gigaflop ?? .nan
    }
    // The step is made of the passes beside it, and of the loss of the pass that predicts the noise:
    // two maps of 16x16 under a kernel of 3x3.
    let passes = ["loss-forward", "loss-backward", "unet-pair"].map(gigaflop).reduce(0, +)
    #expect(abs(gigaflop("step") - passes - 2e-9 * 2 * 256 * 9) <= 1e-12)
    #expect(gigaflop("loss-forward") < gigaflop("unet"))
    let image = try #require(report.image)
    #expect(image.basis == "estimated" && image.stepsMade == 0 && image.peakMemory == nil)
    let whole =
      2 * gigaflop("text") + 25 * (gigaflop("step") + gigaflop("unet-pair")) + gigaflop("decode")
    #expect(abs(image.speed.gigaflop - whole) <= 1e-9 * whole)
  }

  @Test("A picture of a few steps is scaled to fifty")
  func scaled() throws {
    let report = try report("--model", Repository.tinyModel, "--passes", "none", "--steps", "3")
    #expect(report.weights == "its own" && report.passes.isEmpty)
    let image = try #require(report.image)
    #expect(image.basis == "scaled" && image.stepsMade == 3)
    #expect(image.speed.seconds > 0 && image.speed.gigaflop > 0)
  }

  @Test(
    "No more threads are used than there are cores that the process may run on, and Slurm gave it",
    arguments: [[:], ["SLURM_CPUS_PER_TASK": "1"]])
  func affinity(environment: [String: String]) throws {
    // The first core that this process may run on, in util-linux' words.
    let core = "$(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')"
    let result = try HeedProcess.run(
      ["benchmark", "engine", "--passes", "unet", "--repeats", "1", "--json"], in: "/",
      environment: environment,
      shell: environment.isEmpty ? "exec taskset -c \(core) \"$@\"" : "exec \"$@\"")
    #expect(result.status == 0, "\(result.stderr)")
    #expect(try JSONDecoder().decode(Report.self, from: Data(result.stdout.utf8)).threads == 1)
  }

  @Test("Chosen passes alone are measured, and no picture is made up")
  func chosen() throws {
    let report = try report("--passes", "decode,unet", "--repeats", "1")
    #expect(report.model == "Menagerie")
    #expect(report.passes.map(\.pass) == ["unet", "decode"])
    #expect(report.passes.map(\.name) == ["UNet pass", "VAE decoder"])
    #expect(report.passes.allSatisfy { $0.seconds == $0.speed.seconds })
    #expect(report.image == nil)
  }

  @Test("Each path has its times, with the first of them named first")
  func paths() throws {
    let report = try report("--passes", "unet", "--repeats", "1", "--paths", "split,baseline")
    #expect(report.instructionSet == "split")
    #expect(report.others.map(\.instructionSet) == ["baseline"])
    #expect(report.others.allSatisfy { $0.passes.map(\.name) == ["UNet pass"] })
    #expect(report.passes[0].seconds > report.others[0].passes[0].seconds)
  }

  @Test("The tables say what the JSON says")
  func text() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      [
        "benchmark", "engine", "--shapes", "menagerie", "--weights", "float16", "--repeats", "1",
      ], in: folder.path)
    #expect(result.status == 0)
    let lines = result.stdout.split(separator: "\n")
    #expect(lines.first?.hasPrefix("Menagerie, random float16 weights, threads: ") == true)
    #expect(lines.contains { $0.hasPrefix("A&E step, altered ") })
    #expect(lines.contains { $0.hasPrefix("A&E picture, 50 steps, estimate ") })
    #expect(lines.filter { $0.hasPrefix("convolution 3x3 ") }.count == 2)
    #expect(lines.allSatisfy { $0.count <= 110 })
  }

  @Test(
    "A wrong argument is refused in one line",
    arguments: [
      (["--shapes", "sd99"], "--shapes"),
      (["--shapes", "sd14", "--model", "x"], "exclude"), (["--whole", "--steps", "3"], "exclude"),
      (["--shapes", "sd14", "--weights", "int8"], "--weights"),
      (["--repeats", "0"], "--repeats is 0"), (["--repeats", "x"], "--repeats"),
      (["--steps", "1"], "2 to 50"), (["--steps", "51"], "2 to 50"),
      (["--passes", "unet,"], "--passes is 'unet,'"), (["--passes", "all"], "loss-backward"),
      (["--passes", ""], "--passes is ''"), (["--paths", "sse9"], "--paths is 'sse9'"),
      (["--paths", ""], "baseline"),
    ])
  func refused(_ arguments: [String], _ word: String) throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(["benchmark", "engine"] + arguments, in: folder.path)
    expectRefusal(result, 64, [word])
  }

  @Test("A model that is not there is named")
  func missing() throws {
    let folder = try TemporaryFolder()
    let result = try HeedProcess.run(
      ["benchmark", "engine", "--model", "nosuch"], in: folder.path)
    expectRefusal(result, 66, ["nosuch"])
  }
}
