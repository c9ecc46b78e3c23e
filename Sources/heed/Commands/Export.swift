public import ArgumentParser
import AttentionAnalysis
internal import AttentionExport
public import AttentionTrace
import PromptText
internal import TensorEngine

/// Recorded attention for other programs.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes recorded maps as arrays and tables that other programs open.",
    discussion: """
      Give run folders, or a folder above them: several runs of one prompt, recorded alike, become \
      one array with an axis of runs. Maps are written as they were recorded, one array per layer \
      [position, head, row, column, token], with frame behind head for a video, or aggregated by --recipe \
      to [row, column, token].

      README.md in the folder describes its files: manifest.json and its schema, arrays, tables, pictures. \
      An output that ends in .nc, .zarr, .npz or .safetensors is that one file or store of all arrays, \
      without the rest.
      """)

  @Argument(
    help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"),
    completion: .runs)
  var runs: [String]

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder, file or store to make.", valueName: "path"))
  var output: String

  @Option(
    help: ArgumentHelp(
      """
      npy, npz, safetensors, zarr (v3), zarr2, netcdf or csv; repeatable, or separated by commas. \
      (default: by the end of --output, else npy)
      """, valueName: "formats"), completion: .names(ExportFormat.allCases.map(\.rawValue)))
  var format: [String] = []

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

  @Flag(help: "Apply the recipe to each call separately: [position, row, column, token].")
  var eachStep = false

  @Flag(help: "Replace an earlier export, if nothing was added to it, or the file.")
  var overwrite = false

  @Flag(help: "Write CSV of any size.")
  var force = false

  @Flag(help: "Print what was written as JSON.")
  var json = false

  func run() throws {
    let request = try partialRequest()
    let choice = try RunChoice(runs, .export(request))
    Message.leftOut(choice)
    let export = try AttentionExport.Export(
      choice.runs, try completed(request, choice.runs[0]), version: HeedVersion.current)
    Interrupt.watch()
    let check: @Sendable () throws -> Void = { try Interrupt.check("nothing was written") }
    let summary =
      try ExportFormat(ofPath: output) == nil
      ? export.write(to: output, overwriting: overwrite, check: check)
      : export.write(request.formats[0], to: output, overwriting: overwrite, check: check)
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
        throw Failure.wrongValue(
          "--format", name, expected: ExportFormat.allCases.map(\.rawValue))
      }
      if !formats.contains(format) { formats.append(format) }
    }
    formats = try fitting(formats)
    guard recipe != nil || !eachStep else {
      throw Failure(.usage, "--each-step needs --recipe")
    }
    return ExportRequest(
      formats: formats, selection: try selection.withoutTokens,
      recipe: try recipe.map(Recipe.init(parsing:)), eachStep: eachStep, precision: dtype,
      allowsLargeTables: force)
  }

  /// The formats given, or else what the output's name says; what contradicts the name is refused.
  private func fitting(_ formats: [ExportFormat]) throws -> [ExportFormat] {
    let end = output.lowercased()
    if let ofArray = [ExportFormat.npy, .csv].first(where: { end.hasSuffix(".\($0.rawValue)") }) {
      throw Failure(
        .usage,
        "-o \(output): \(ofArray.rawValue) is one file for each array, so it needs a folder: give "
          + "-o \(output.dropLast(4)) --format \(ofArray.rawValue)")
    }
    guard let named = ExportFormat(ofPath: output) else {
      return formats.isEmpty ? [.npy] : formats
    }
    if formats.isEmpty { return [named] }
    guard formats.count == 1, formats[0].ending == named.ending else {
      throw Failure(
        .usage,
        "-o \(output) is \(named.rawValue) by its end, but --format says "
          + "\(formats.map(\.rawValue).joined(separator: ",")): give a folder, or leave --format out"
      )
    }
    return formats
  }

  /// The request with tokens found in the run's prompt, and head weights read from files.
  private func completed(_ request: ExportRequest, _ run: RecordedRun) throws -> ExportRequest {
    var request = request
    request.selection.tokens = try selection.tokens(in: run, by: request.recipe)
    if let recipe = request.recipe {
      if request.selection.tokens == nil, !recipe.tokens.isEmpty {
        let words = try run.subjects(recipe.tokens, by: recipe)
        request.selection.tokens = Set(words.flatMap(\.tokens)).sorted()
      }
      request.weights = try HeadWeights.named(by: recipe)
    }
    return request
  }

  private static func text(_ summary: AttentionExport.Export.Summary) -> String {
    "\(summary.path): \(summary.arrays) \(summary.arrays == 1 ? "array" : "arrays"), "
      + "\(summary.files) \(summary.files == 1 ? "file" : "files"), \(formatBytes(summary.bytes))"
  }

  private struct Row: Encodable {
    let path: String
    let arrays: Int
    let files: Int
    let bytes: Int
    let missing: Int

    init(_ summary: AttentionExport.Export.Summary) {
      (path, arrays, files) = (summary.path, summary.arrays, summary.files)
      (bytes, missing) = (summary.bytes, summary.missing)
    }
  }
}

extension RecordingPlan.Precision: ExpressibleByArgument {}
