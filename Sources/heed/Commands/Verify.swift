import ArgumentParser
import Diffusion
import Foundation
import TensorEngine

/// How much Heed's results differ from a checkpoint's golden tensors.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares what Heed computes with a checkpoint's golden tensors.",
    usage: "heed verify <path> [--tolerance <tolerance>] [--condition] [<options>]",
    discussion: """
      golden.safetensors and golden.json are in the checkpoint's folder. For each tensor a line gives the largest absolute error and the error relative to the tensor's own range; \
      losses and excitation scores, which lie in 0…1, are compared absolutely, to 1e-3. Ids must be equal.

      A whole run that is off by more, or with --condition every run, is repeated five times from noise \
      disturbed by 1e-6 or 1e-7. Where the largest of these moves the final latent more than 50 times as \
      far, over its range, the run is ill-conditioned: it cannot be compared more closely than four times \
      that, refined or not. Its line ends with the factor.
      """)

  @Argument(help: "The checkpoint's folder or .safetensors file.")
  var path: String

  @OptionGroup var weights: WeightOptions

  @Option(
    parsing: .unconditional, help: "The largest error that passes, relative to a tensor's range.")
  var tolerance = 2e-4

  @Option(
    help: """
      What factors of products are taken as: float32, or bfloat16, whose errors are some 10⁻³.
      """)
  var precision = Engine.Precision.float32

  @Flag(help: "Also say of every run how far a disturbance of its noise moves it.")
  var condition = false

  func run() throws {
    precision.apply()
    guard tolerance >= 0, tolerance.isFinite else {
      throw Failure(.usage, "--tolerance is \(tolerance); expected a number of 0 or more")
    }
    var verification = try CheckpointVerification(
      weights.checkpoint(path), tolerance: tolerance, measuresCondition: condition)
    var counts: [CheckpointVerification.Line.Outcome: Int] = [:]
    let width = max(verification.names.map(\.count).max() ?? 0, 6)
    print("tensor".padding(toLength: width, withPad: " ", startingAt: 0), "absolute relative")
    for name in verification.names {
      let line = try verification.verify(name)
      counts[line.outcome, default: 0] += 1
      print(
        name.padding(toLength: width, withPad: " ", startingAt: 0), scientific(line.error),
        scientific(line.relativeError), line.outcome.rawValue + amplification(of: line))
    }
    let failed = counts[.failed, default: 0] + counts[.unknown, default: 0]
    let passed = counts[.passed, default: 0] + counts[.illConditioned, default: 0]
    print(
      "\(passed) passed, \(failed) failed, "
        + "\(counts[.notYet, default: 0]) not yet, \(counts[.input, default: 0]) input")
    if failed > 0 {
      throw Failure(
        .comparisonFailed,
        "\(path): \(failed) \(failed == 1 ? "tensor is" : "tensors are") out of tolerance")
    }
  }

  /// As in ` ×120`; empty where it was not measured.
  private func amplification(of line: CheckpointVerification.Line) -> String {
    line.amplification.map { String(format: " ×%.3g", $0) } ?? ""
  }

  private func scientific(_ value: Double) -> String {
    value.isNaN ? "       -" : String(format: "%8.1e", value)
  }
}
