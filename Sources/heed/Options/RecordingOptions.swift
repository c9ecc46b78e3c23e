public import ArgumentParser
public import AttentionTrace
import Diffusion
internal import PromptText

/// Which attention is recorded.
struct RecordingOptions: ParsableArguments {
  @Flag(inversion: .prefixedNo, help: "Record attention.")
  var record = true

  @Option(
    help: ArgumentHelp(
      """
      Layers, separated by commas: globs over their paths ('up*', '*attn2') or a grid (16x16). \
      Self-attention is recorded only where a pattern names attn1. (default: the grid that the loss reads)
      """, valueName: "patterns"))
  var layers: String?

  @Flag(
    help: """
      Pack each run when it is complete: a file for each array of its recording; see heed pack.
      """)
  var pack = false

  @Flag(help: "Print what the runs would take, such as disk space, and exit.")
  var dryRun = false

  /// The plan for a prompt and a negative prompt; `nil` when nothing is recorded.
  func plan(
    _ details: RecordingDetails, _ table: TokenTable, negative: TokenTable
  ) throws -> RecordingPlan? {
    guard record else { return nil }
    return try details.plan(
      layers: layers.map(Self.patterns) ?? [RecordingPlan.measuredGrid], table, negative: negative)
  }

  /// Whether maps of a branch are recorded.
  func keeps(_ branch: Branch, _ details: RecordingDetails) throws -> Bool {
    record ? try details.keeps(branch) : branch == .conditional
  }

  static func patterns(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
}

/// Which attention of the recorded layers is kept, and how.
struct RecordingDetails: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Cross-attention layers whose queries are recorded too, so that heed analyze --ask can measure \
      words that are not in the prompt. (default: none)
      """, valueName: "patterns"))
  var queries: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Heads by index, separated by commas, all, or mean: their mean alone. (default: all)",
      valueName: "heads"))
  var heads: String?

  @Option(
    help: ArgumentHelp(
      "Tokens to keep: words, @5, <start>, <end>, separated by commas. (default: all)",
      valueName: "words"))
  var recordTokens: String?

  @Option(help: "conditional, unconditional, or both separated by a comma.")
  var branches = "conditional"

  @Option(help: "denoise, loss, refinement, separated by commas.")
  var phases = "denoise"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Iterations to keep, as in 0..24. (default: all)", valueName: "a..b"))
  var recordSteps: String?

  @Option(
    help: """
      What maps are stored as: float16 or float32. With bfloat16, they are float16, and the factors of \
      all products are taken as bfloat16: less exact, and faster on processors that multiply it.
      """)
  var precision = Precision.float16

  @Option(
    help: ArgumentHelp(
      """
      Which failure the recording survives: process (the process is killed) or power (a power cut).
      """))
  var durability = Durability.process

  /// Whether maps of a branch are kept.
  func keeps(_ branch: Branch) throws -> Bool {
    try ChoiceList(option: "--branches", branches).choices.contains(branch)
  }

  /// The plan of layers for a prompt and a negative prompt: a word to keep is of the text of a branch that
  /// is kept.
  func plan(
    layers: [String], _ table: TokenTable, negative: TokenTable
  ) throws -> RecordingPlan {
    let kept = Set<Branch>(try ChoiceList(option: "--branches", branches).choices)
    let texts = [(Branch.conditional, table), (.unconditional, negative)].filter {
      kept.contains($0.0)
    }
    return RecordingPlan(
      layers: layers, heads: try heads.flatMap(indices),
      tokens: try recordTokens.map {
        try WordReference.tokens(
          of: WordReference.list($0), inAnyOf: texts.map { ($0.0.textName, $0.1) })
      },
      branches: kept,
      phases: Set(try ChoiceList(option: "--phases", phases).choices),
      steps: try recordSteps.map { try IndexRange(option: "--record-steps", $0).range },
      precision: precision.recorded, queries: queries.map(RecordingOptions.patterns) ?? [],
      reducedHeads: heads == "mean" ? .mean : nil)
  }

  /// `nil` for all.
  private func indices(_ text: String) throws -> [Int]? {
    guard text != "all", text != "mean" else { return nil }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let index = Int(part), index >= 0 else {
        throw Failure(.usage, "--heads is '\(text)'; expected indices, as in 0,3, all, or mean")
      }
      return index
    }
  }
}
extension Durability: ExpressibleByArgument {}
