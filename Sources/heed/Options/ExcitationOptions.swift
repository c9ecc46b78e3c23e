import ArgumentParser
import Diffusion

/// What Attend-and-Excite excites, and every knob of it.
struct ExcitationOptions: ParsableArguments {
  @OptionGroup var subject: SubjectOptions

  @Option(parsing: .unconditional, help: "Iterations in which the latent is altered.")
  var maxIterToAlter = 25

  @Option(
    parsing: .unconditional,
    help: "Attention to reach by iteration, as in 0=0.05,10=0.5,20=0.8; none for none.")
  var thresholds = "0=0.05,10=0.5,20=0.8"

  @Option(
    parsing: .unconditional,
    help: "Step size before its decay; without it the checkpoint's, else 20.")
  var scaleFactor: Double?

  @Option(
    parsing: .unconditional,
    help: "The line under the root that the step size decays by, from and to.")
  var scaleRange = "1.0,0.5"

  @Flag(inversion: .prefixedNo, help: "Smooth maps before their largest value is taken.")
  var smooth = true

  @Option(parsing: .unconditional, help: "Sigma of the smoothing kernel.")
  var sigma = 0.5

  @Option(parsing: .unconditional, help: "Side of the smoothing kernel in cells.")
  var kernelSize = 3

  @Option(parsing: .unconditional, help: "The most tries of refinement at one iteration.")
  var maxRefinementSteps = 20

  func settings(_ checkpoint: Checkpoint) throws -> AttendAndExcite.Settings {
    var settings = AttendAndExcite.Settings()
    settings.maxIterations = maxIterToAlter
    settings.thresholds = try parsedThresholds()
    settings.scaleFactor = scaleFactor ?? checkpoint.guidance.scaleFactor ?? settings.scaleFactor
    settings.scaleRange = try parsedScaleRange()
    settings.smooths = smooth
    settings.sigma = sigma
    settings.kernelSize = kernelSize
    settings.maxRefinementSteps = maxRefinementSteps
    try check("--scale-factor", settings.scaleFactor, in: 0...1e6)
    try check("--max-iter-to-alter", maxIterToAlter, in: 0...Self.mostSteps)
    try check("--max-refinement-steps", maxRefinementSteps, in: 0...Self.mostSteps)
    try check("--sigma", sigma, in: 1e-3...1e3)
    return settings
  }

  /// More alterations or tries than this are a typing error.
  private static let mostSteps = 1000

  private func check<Value: Comparable>(
    _ option: String, _ value: Value, in range: ClosedRange<Value>
  ) throws {
    guard range.contains(value) else {
      throw Failure(
        .usage, "\(option) is \(value); expected \(range.lowerBound) to \(range.upperBound)")
    }
  }

  private func parsedThresholds() throws -> [Int: Double] {
    if thresholds == "none" || thresholds.isEmpty { return [:] }
    var result: [Int: Double] = [:]
    for pair in thresholds.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let step = Int(sides[0]), step >= 0, let value = Double(sides[1]),
        (0...1).contains(value), result.updateValue(value, forKey: step) == nil
      else {
        throw Failure(
          .usage,
          "--thresholds is \(thresholds); '\(pair)' is no iteration=attention (0…1), each once"
        )
      }
    }
    return result
  }

  private func parsedScaleRange() throws -> [Double] {
    let parts = scaleRange.split(separator: ",", omittingEmptySubsequences: false)
    let sides = parts.compactMap { Double($0) }
    guard parts.count == 2, sides.count == 2, sides.allSatisfy({ (0...1e6).contains($0) }) else {
      throw Failure(
        .usage, "--scale-range is \(scaleRange); expected two numbers from 0 up, as in 1.0,0.5")
    }
    return sides
  }
}
