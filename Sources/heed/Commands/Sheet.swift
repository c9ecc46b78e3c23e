import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation

/// A sheet again, from the folders alone.
struct Sheet: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws sheets of recorded runs, without a model.",
    usage: "heed sheet [<options>] <run> ...",
    discussion: """
      compare, the layout that is drawn unless --layout names another, has pictures, maps and curves \
      for each seed: give for each one run of stable-diffusion and one of another method, or runs \
      of heed explain. The others have maps in rows and columns on one scale, of any runs of one \
      prompt: tokens (every token), steps (eight of them, or --steps), layers, heads, seeds and \
      methods (a row for each), difference (excited less plain). matrix has how much the maps of each \
      two words share, averaged over seeds. curves has loss, largest attention, entropy and overlap over \
      the steps, the median and quartiles of five and more seeds. neglect ranks runs of any prompts by \
      their weakest subject, with verdicts as heed analyze words them. --print-layout prints one of the \
      others as YAML, and --layout takes such a file.
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
  var runs: [String] = []

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      """
      A .pdf, .png, .svg, .json (shapes and words as they are laid out), or .tex (a figure with \
      caption, around the .pdf or .png); repeatable.
      """,
      valueName: "file"))
  var output: [String] = ["sheet.pdf", "sheet.png"]

  @Option(
    help: ArgumentHelp(
      """
      compare, tokens, steps, layers, heads, seeds, methods, difference, matrix, curves, neglect, or \
      a .yaml file.
      """,
      valueName: "layout"))
  var layout = Self.compare

  @Flag(help: "Print the layout as YAML, to be edited; nothing is drawn.")
  var printLayout = false

  @Option(
    help: ArgumentHelp(
      "How maps are made, as in \"mean(head) mean(layer: 16x16) mean(step: 0..24)\".",
      valueName: "text"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      "Words, separated by commas: frog, frog#2, @5, <start>; otherwise the runs' subjects.",
      valueName: "words"))
  var words: String?

  @Option(help: ArgumentHelp("Steps shown by steps, as in 0,5..10.", valueName: "steps"))
  var steps: String?

  @Option(
    help: ArgumentHelp(
      "Panels of curves: some of loss, maxima, entropy, overlap; otherwise all recorded.",
      valueName: "measures"))
  var measures: String?

  @Option(help: ArgumentHelp("How many cases neglect shows; otherwise 12.", valueName: "number"))
  var cases: Int?

  @OptionGroup(title: "Drawing") var options: SheetOptions

  /// The layout with curves, which is no plan of rows and columns.
  private static let compare = "compare"
  /// The layout of overlaps.
  private static let matrix = "matrix"

  /// Layouts that are no plan of rows and columns.
  private static let unplanned = [compare, matrix, curves, neglect]

  func validate() throws {
    if layout != Self.matrix, words != nil, Self.unplanned.contains(layout) {
      throw ValidationError("--words means nothing to the layout \(layout).")
    }
    if printLayout, Self.unplanned.contains(layout) {
      throw ValidationError("--print-layout means nothing to the layout \(layout).")
    }
    if measures != nil && layout != Self.curves {
      throw ValidationError("--measures means nothing to the layout \(layout).")
    }
    if let cases {
      guard layout == Self.neglect else {
        throw ValidationError("--cases means nothing to the layout \(layout).")
      }
      guard cases > 0 else { throw ValidationError("--cases is \(cases); expected 1 or more.") }
    }
    if steps != nil
      && layout != "steps" && !layout.hasSuffix(".yaml") && !layout.hasSuffix(".yml")
    {
      throw ValidationError("--steps means nothing to the layout \(layout).")
    }
    if runs.isEmpty && !printLayout {
      throw ValidationError("Missing expected argument '<run> ...'")
    }
  }

  func run() throws {
    let plan = Self.unplanned.contains(layout) ? nil : try self.plan()
    if printLayout, let plan { return print(SheetFile.text(plan)) }
    let recipe = try recipe.map(Recipe.init(parsing:))
    let runs = try self.runs.flatMap(RunSearch.folders).map { try RecordedRun($0) }
    try SheetWriter.write(to: output, dpi: options.dpi) {
      let drawn =
        if let plan { try scene(runs, plan) } else { try unplannedScene(runs, recipe) }
      return options.noMetadata ? drawn.anonymous : drawn
    }
  }

  /// The layout's rows and columns, with what the options change.
  private func plan() throws -> MapSheetPlan {
    var plan: MapSheetPlan
    if let builtIn = MapSheetPlan.Layout(rawValue: layout) {
      plan = MapSheetPlan(builtIn)
    } else if [".yaml", ".yml"].contains(where: layout.hasSuffix) {
      plan = try SheetFile.read(layout)
    } else {
      let layouts = Self.unplanned + MapSheetPlan.Layout.allCases.map(\.rawValue)
      throw Failure(
        .usage,
        "--layout is '\(layout)'; expected a .yaml file or one of "
          + layouts.joined(separator: ", "))
    }
    if let recipe { plan.recipe = try Recipe(parsing: recipe).description }
    if words != nil {
      plan.showsAllTokens = false
      plan.words = names
    }
    if let steps { plan.steps = try IndexList(option: "--steps", steps).indices }
    return plan
  }

  /// The sheet of a layout that is no plan.
  private func unplannedScene(_ runs: [RecordedRun], _ recipe: Recipe?) throws -> Scene {
    switch layout {
    case Self.matrix: try matrixScene(runs, recipe)
    case Self.curves: try curvesScene(runs, recipe)
    case Self.neglect: try neglectScene(runs, recipe)
    default: try SheetWriter.scene(runs, recipe: recipe, options: options)
    }
  }

  private func matrixScene(_ runs: [RecordedRun], _ recipe: Recipe?) throws -> Scene {
    try MatrixSheet(
      runs: runs, words: names, recipe: recipe, weights: try recipe.map(HeadWeights.named) ?? [:],
      software: "Heed \(Heed.version)"
    ).scene(width: try options.points, colors: try options.colorMap)
  }

  /// `--words`, one by one.
  private var names: [String] {
    (words?.split(separator: ",", omittingEmptySubsequences: false) ?? []).map(String.init)
  }

  private func scene(_ runs: [RecordedRun], _ plan: MapSheetPlan) throws -> Scene {
    let weights =
      try plan.recipe.isEmpty ? [:] : HeadWeights.named(by: Recipe(parsing: plan.recipe))
    return try MapSheet(runs: runs, plan: plan, weights: weights, software: "Heed \(Heed.version)")
      .scene(
        width: try options.points, overlay: options.overlay, colors: try options.colorMap)
  }
}

/// Finds run folders.
enum RunSearch {
  /// The folder itself if it is a run, else every run below it, in order of path.
  /// - Throws: ``Failure`` if there is none.
  static func folders(_ path: String) throws -> [String] {
    let files = FileManager.default
    if files.fileExists(atPath: RunFolder(path: path).manifest) { return [path] }
    var found: [String] = []
    let walk = files.enumerator(atPath: path)
    while let name = walk?.nextObject() as? String {
      if name.hasSuffix(".zarr") { walk?.skipDescendants() }
      if name.hasSuffix("/run.json") { found.append(path + "/" + name.dropLast(9)) }
    }
    guard !found.isEmpty else {
      throw Failure(.missingInput, "\(path): no run here; a run is a folder with run.json")
    }
    return found.sorted()
  }

  /// The runs in or below folders, in the order of their paths.
  /// - Throws: ``Failure`` if one is given twice.
  static func distinctRuns(_ paths: [String]) throws -> [RecordedRun] {
    var seen: Set<String> = []
    return try paths.flatMap(folders).map { path in
      let place = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
      guard seen.insert(place).inserted else {
        throw Failure(.usage, "\(path): this run is given twice")
      }
      return try RecordedRun(path)
    }
  }
}
