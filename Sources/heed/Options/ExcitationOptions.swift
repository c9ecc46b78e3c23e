public import ArgumentParser
import AttentionTrace
public import Diffusion

/// What Attend-and-Excite excites, and every knob of it.
struct ExcitationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Subjects, separated by commas: a word, frog#2 for its second occurrence, @5 for a token's \
      index. Without it, the nouns of "a X and a Y" and its kin.
      """, valueName: "words"))
  var tokens: String?

  @Option(help: "Which pieces of a word of several serve its loss: first, last, mean or max.")
  var pieces = PieceRule.standard

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

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The grid that the loss reads, as in 16x16; without it the checkpoint's, else 1/32.",
      valueName: "rows-x-columns"))
  var attentionResolution: String?

  @Option(
    help: ArgumentHelp(
      "Leave the end token and the padding out of the loss: true or false; as SD 2.x needs.",
      valueName: "bool"))
  var normalizeEot: Bool?

  /// The subjects named, or those the prompt makes certain.
  func subjects(in table: TokenTable) throws -> [Subject] {
    try SubjectSelection.subjects(named: names, in: table)
  }

  /// The subjects named; without names those the prompt makes certain, if it does.
  func subjectsIfKnown(in table: TokenTable) throws -> [Subject] {
    tokens == nil ? SubjectSelection.certain(in: table) ?? [] : try subjects(in: table)
  }

  private var names: [String] {
    tokens?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
  }

  func apply(to request: inout GenerationRequest) throws {
    request.pieces = pieces
    request.grid = try attentionResolution.map(grid)
    request.stopsAtEnd = normalizeEot
  }

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

  private func grid(_ text: String) throws -> Grid {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    let sides = parts.compactMap { Int($0) }
    guard parts.count == 2, sides.count == 2, sides.allSatisfy({ $0 > 0 }) else {
      throw Failure(
        .usage, "--attention-resolution is \(text); expected rows and columns, as in 16x16")
    }
    return Grid(rows: sides[0], columns: sides[1])
  }
}

extension PieceRule: ExpressibleByArgument {}
