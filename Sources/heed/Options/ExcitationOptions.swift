import ArgumentParser
import Diffusion

/// What Attend-and-Excite excites, and every knob of it.
struct ExcitationOptions: ParsableArguments {
  @OptionGroup var subject: SubjectOptions

  @Option(
    parsing: .unconditional,
    help: "Iterations in which the latent is altered; without it the method's, as 25.")
  var maxIterToAlter: Int?

  @Option(
    parsing: .unconditional,
    help: """
      What to attain by iteration, or none; without it the method's, as 0=0.05,10=0.5,20=0.8 of \
      attention.
      """)
  var thresholds: String?

  @Option(
    name: [.customLong("scale-factor"), .customLong("step-size")], parsing: .unconditional,
    help: "Step size before its decay; without it the checkpoint's, else the method's, as 20.")
  var scaleFactor: Double?

  @Option(
    parsing: .unconditional,
    help:
      "The line under the root that the step size decays by; without it the method's, as 1.0,0.5.")
  var scaleRange: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Smooth maps before their largest value is taken; without it, they are smoothed.")
  var smooth: Bool?

  @Option(parsing: .unconditional, help: "Sigma of the smoothing kernel (0.5).")
  var sigma: Double?

  @Option(parsing: .unconditional, help: "Side of the smoothing kernel in cells (3).")
  var kernelSize: Int?

  @Option(
    parsing: .unconditional,
    help: "The most tries of refinement at one iteration; without it the method's, as 20.")
  var maxRefinementSteps: Int?

  @Option(
    parsing: .unconditional,
    help: "The most at the first iteration; without it the method's, as those at the others.")
  var maxFirstRefinementSteps: Int?

  /// The options of the schedule, and the methods that read them.
  var read: [MethodOption] {
    [
      ("--max-iter-to-alter", maxIterToAlter != nil), ("--thresholds", thresholds != nil),
      ("--scale-factor", scaleFactor != nil), ("--scale-range", scaleRange != nil),
      ("--smooth", smooth != nil), ("--sigma", sigma != nil), ("--kernel-size", kernelSize != nil),
      ("--max-refinement-steps", maxRefinementSteps != nil),
      ("--max-first-refinement-steps", maxFirstRefinementSteps != nil),
    ].map { MethodOption($0, $1, of: MethodRegistry.scheduled) }
  }

  /// What was given, and a method's own schedule for the rest.
  ///
  /// A checkpoint's step size is for Attend-and-Excite's 20; others are in proportion.
  func settings(
    _ checkpoint: Checkpoint, _ published: AttendAndExcite.Settings = .init()
  ) throws -> AttendAndExcite.Settings {
    var settings = published
    let share = published.scaleFactor / AttendAndExcite.Settings().scaleFactor
    settings.maxIterations = maxIterToAlter ?? published.maxIterations
    settings.thresholds = try thresholds.map(parsedThresholds) ?? published.thresholds
    settings.scaleFactor =
      scaleFactor ?? checkpoint.guidance.scaleFactor.map { $0 * share } ?? published.scaleFactor
    settings.scaleRange = try scaleRange.map(parsedScaleRange) ?? published.scaleRange
    settings.smooths = smooth ?? published.smooths
    settings.sigma = sigma ?? published.sigma
    settings.kernelSize = kernelSize ?? published.kernelSize
    settings.maxRefinementSteps = maxRefinementSteps ?? published.maxRefinementSteps
    settings.maxFirstRefinementSteps =
      maxFirstRefinementSteps
      ?? (maxRefinementSteps == nil ? published.maxFirstRefinementSteps : nil)
    try check("--scale-factor", settings.scaleFactor, in: 0...1e6)
    try check("--max-iter-to-alter", settings.maxIterations, in: 0...Self.mostSteps)
    try check("--max-refinement-steps", settings.maxRefinementSteps, in: 0...Self.mostSteps)
    try check("--max-first-refinement-steps", settings.tries(at: 0), in: 0...Self.mostSteps)
    try check("--sigma", settings.sigma, in: 1e-3...1e3)
    return settings
  }

  /// More alterations or tries than this are a typing error.
  private static let mostSteps = 1000

  private func parsedThresholds(_ thresholds: String) throws -> [Int: Double] {
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

  private func parsedScaleRange(_ scaleRange: String) throws -> [Double] {
    let parts = scaleRange.split(separator: ",", omittingEmptySubsequences: false)
    let sides = parts.compactMap { Double($0) }
    guard parts.count == 2, sides.count == 2, sides.allSatisfy({ (0...1e6).contains($0) }) else {
      throw Failure(
        .usage, "--scale-range is \(scaleRange); expected two numbers from 0 up, as in 1.0,0.5")
    }
    return sides
  }
}
