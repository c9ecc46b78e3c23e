import ArgumentParser
import Diffusion
import Evaluation
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

      The folder can also be an evaluator's: CLIP, OWL-ViT, OWLv2 or BLIP, with what transformers computes in its golden \
      files. Vectors, cosines, logits and answers are compared to 1e-4, boxes to 1e-3 of the picture's sides, pixels \
      to 1/255, captions letter by letter.
      """)

  @Argument(help: "The checkpoint's folder or .safetensors file, or an evaluator's folder.")
  var path: String

  @OptionGroup var weights: WeightOptions

  @Option(
    parsing: .unconditional,
    help: """
      The largest error that passes, relative to a tensor's range. (default: 2e-4; of an evaluator 1e-4)
      """)
  var tolerance: Double?

  @Option(
    help: """
      What factors of products are taken as: float32, or bfloat16, whose errors are some 10⁻³.
      """)
  var precision = Engine.Precision.float32

  @Flag(help: "Also say of every run how far a disturbance of its noise moves it.")
  var condition = false

  func run() throws {
    precision.apply()
    if let tolerance, !(tolerance >= 0 && tolerance.isFinite) {
      throw Failure(.usage, "--tolerance is \(tolerance); expected a number of 0 or more")
    }
    if EvaluatorFolder.isOne(path) {
      var verification = try EvaluatorFolder(path).verification(tolerance: tolerance)
      return try report(verification.names) { try verification.verify($0) }
    }
    var verification = try CheckpointVerification(
      weights.checkpoint(path), tolerance: tolerance ?? 2e-4, measuresCondition: condition)
    try report(verification.names) { try verification.verify($0) }
  }

  /// Prints a line for each name as soon as it is known.
  /// - Throws: `Failure` when one is out of tolerance; what `verify` throws.
  private func report(
    _ names: [String], _ verify: (String) throws -> CheckpointVerification.Line
  ) throws {
    var counts: [CheckpointVerification.Line.Outcome: Int] = [:]
    let width = max(names.map(\.count).max() ?? 0, 6)
    print("tensor".padding(toLength: width, withPad: " ", startingAt: 0), "absolute relative")
    for name in names {
      let line = try verify(name)
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
