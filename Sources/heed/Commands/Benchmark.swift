import ArgumentParser
import Diffusion
import Evaluation
import Foundation
import TensorEngine

/// Methods over a suite of prompts; and Heed itself on a machine.
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares methods over a suite of prompts, or measures Heed's speed.",
    subcommands: [
      BenchmarkRun.self, BenchmarkSubmit.self, BenchmarkScore.self, BenchmarkTable.self,
      BenchmarkFigure.self, BenchmarkReport.self,
      BenchmarkExport.self, BenchmarkImport.self, BenchmarkEngine.self,
    ])
}

/// How fast the engine runs a network, and how much memory that takes.
struct BenchmarkEngine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "Times the passes of a picture, and the operations of each pass.",
    usage: "heed benchmark engine [--model <folder> | --shapes <shapes>] [<options>]",
    discussion: """
      Speed is counted in multiply-adds of the direct method, two operations each, and compared \
      with sgemm, products of 2048x2048 matrices measured beside each run, one on each thread. \
      A peak is the most memory resident at a time during a pass, with only its own part of the \
      network loaded: random weights are held in memory, those of a checkpoint stay in its file.

      The picture is made by Attend-and-Excite in 50 DDIM steps, 25 of them altered, without \
      refinement. Its time is estimated from the passes unless --steps or --whole is given.
      """)

  @OptionGroup var model: ModelOptions

  @Option(
    help: "Use random weights in the shapes of this model; 2.1 at 512 pixels.")
  var shapes: ModelShapes?

  @OptionGroup var size: SizeOption

  @Option(
    help: ArgumentHelp(
      "Which passes: text, unet, unet-pair, loss-forward, loss-backward, step, decode, or none.",
      valueName: "list"))
  var passes: String?

  @Option(
    help: ArgumentHelp(
      "Which kernels: some of the machine's of baseline, avx2, avx512, amx and split; a picture is "
        + "made with the first. (default: HEED_ISA, or the machine's best, and then avx2 and above)",
      valueName: "list"))
  var paths: String?

  @Option(help: "How often each pass is run; the median is reported.")
  var repeats = 3

  @Option(help: "Make a picture in this many steps (2 to 50), and scale its time to 50.")
  var steps: Int?

  @Flag(help: "Make the whole picture.")
  var whole = false

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if model.model.model != nil, shapes != nil {
      throw ValidationError("--model and --shapes exclude each other")
    }
    if whole, steps != nil { throw ValidationError("--steps and --whole exclude each other") }
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats is \(repeats); expected 1 to 1000")
    }
    if let steps, !(2...EngineBenchmark.steps).contains(steps) {
      throw ValidationError("--steps is \(steps); expected 2 to \(EngineBenchmark.steps)")
    }
    _ = try (chosenPasses(), chosenPaths())
  }

  func run() throws {
    let precision = model.weights.precision
    let checkpoint =
      try shapes?.checkpoint(RandomWeights(seed: 0, precision: precision ?? .float32))
      ?? model.checkpoint()
    let benchmark = EngineBenchmark(checkpoint, size: try size.imageSize, repeats: repeats) {
      Message.note($0)
    }
    let (paths, passes) = (try chosenPaths(), try chosenPasses())
    let measurements = try paths.map { path in
      path.use()
      return (path, try benchmark.measure(passes))
    }
    paths[0].use()
    let made = try (whole ? EngineBenchmark.steps : steps).map(benchmark.makeImage)
    let report = EngineReport(
      model: checkpoint.name,
      weights: shapes == nil ? "its own" : "random \(precision ?? .float32)",
      passes: measurements, image: made ?? EngineBenchmark.estimate(measurements[0].1))
    print(json ? try report.json() : report.text())
  }

  /// At least one.
  private func chosenPaths() throws -> [InstructionSet] {
    let current = InstructionSet.current
    guard let paths else {
      let others = InstructionSet.available.filter { ![.baseline, .split, current].contains($0) }
      return [current] + others.reversed()
    }
    return try paths.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let path = InstructionSet(rawValue: String(name)),
        InstructionSet.available.contains(path)
      else {
        let choices = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--paths is '\(paths)'; expected some of this machine's: \(choices)")
      }
      return path
    }
  }

  private func chosenPasses() throws -> Set<EnginePass> {
    guard let passes else { return Set(EnginePass.allCases) }
    guard passes != "none" else { return [] }
    return Set(
      try passes.split(separator: ",", omittingEmptySubsequences: false).map { name in
        guard let pass = EnginePass(rawValue: String(name)) else {
          let names = EnginePass.allCases.map(\.rawValue).joined(separator: ", ")
          throw ValidationError("--passes is '\(passes)'; expected none, or some of \(names)")
        }
        return pass
      })
  }
}

extension ModelShapes: ExpressibleByArgument {}
