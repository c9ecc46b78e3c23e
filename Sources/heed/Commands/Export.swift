import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import PromptText

/// Recorded attention for other programs.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes recorded maps as arrays and tables that other programs open.",
    discussion: """
      Give run folders, or a folder above them: several runs of one prompt, recorded alike, become \
      one array with an axis of runs. Maps are written as they were recorded, one array per layer \
      [call, head, row, column, token], or aggregated by --recipe to [row, column, token].

      README.md in the folder describes its files: manifest.json and its schema, arrays, tables.
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
  var runs: [String]

  @Option(
    name: [.short, .long], help: ArgumentHelp("The folder to make.", valueName: "folder"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "npy, npz, safetensors, zarr (v3), zarr2 or csv; repeatable, or separated by commas.",
      valueName: "formats"))
  var format: [String] = ["npy"]

  @OptionGroup var selection: SelectionOptions

  @Option(help: "float16 or float32. (default: as recorded; float32 with --recipe)")
  var dtype: RecordingPlan.Precision?

  @Option(
    help: ArgumentHelp(
      """
      How maps are aggregated, as in "mean(head) mean(layer: 16x16) mean(step: 0..24)", or \
      attend-and-excite, notebook, prompt-to-prompt, daam.
      """, valueName: "text"))
  var recipe: String?

  @Flag(help: "Apply the recipe to each call separately: [call, row, column, token].")
  var eachStep = false

  @Flag(help: "Replace an earlier export, if nothing was added to it.")
  var overwrite = false

  @Flag(help: "Write CSV of any size.")
  var force = false

  @Flag(help: "Print what was written as JSON.")
  var json = false

  func run() throws {
    let request = try partialRequest()
    let runs = try RunSearch.distinctRuns(runs)
    let export = try AttentionAnalysis.Export(
      runs, try completed(request, runs[0]), version: HeedVersion.current)
    Interrupt.watch()
    let summary = try export.write(to: output, overwriting: overwrite) {
      try Interrupt.check("nothing was written")
    }
    if summary.missing > 0 {
      Message.warning(
        "missing chunks: \(summary.missing); "
          + (recipe != nil && !eachStep ? "the recipe skipped their calls" : "their maps are NaN"))
    }
    print(json ? TableText.json(Row(summary)) : Self.text(summary))
  }

  /// The part of the request that needs no run.
  private func partialRequest() throws -> ExportRequest {
    var formats: [ExportFormat] = []
    for name in format.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      guard let format = ExportFormat(rawValue: String(name)) else {
        let choices = ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")
        throw Failure(.usage, "--format: unknown value '\(name)'; expected one of \(choices)")
      }
      if !formats.contains(format) { formats.append(format) }
    }
    guard recipe != nil || !eachStep else {
      throw Failure(.usage, "--each-step needs --recipe")
    }
    return ExportRequest(
      formats: formats, selection: try selection.withoutTokens,
      recipe: try recipe.map(Recipe.init(parsing:)), eachStep: eachStep, precision: dtype,
      allowsLargeTables: force)
  }

  /// The request with tokens found in the run's prompt, and head weights read from files.
  private func completed(_ request: ExportRequest, _ run: RecordedRun) throws -> ExportRequest {
    var request = request
    let table = run.manifest.tokens
    request.selection.tokens = try selection.tokens(in: table)
    if let recipe = request.recipe {
      if request.selection.tokens == nil, !recipe.tokens.isEmpty {
        request.selection.tokens = try WordReference.tokens(of: recipe.tokens, in: table)
      }
      request.weights = try HeadWeights.named(by: recipe)
    }
    return request
  }

  private static func text(_ summary: AttentionAnalysis.Export.Summary) -> String {
    "\(summary.path): \(summary.arrays) \(summary.arrays == 1 ? "array" : "arrays"), "
      + "\(summary.files) files, \(formatBytes(summary.bytes))"
  }

  private struct Row: Encodable {
    let path: String
    let arrays: Int
    let files: Int
    let bytes: Int
    let missing: Int

    init(_ summary: AttentionAnalysis.Export.Summary) {
      (path, arrays, files) = (summary.path, summary.arrays, summary.files)
      (bytes, missing) = (summary.bytes, summary.missing)
    }
  }
}
