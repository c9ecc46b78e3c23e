import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Figures
import PromptText

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
      methods (a row for each), sweep (a row for each value of --knob), difference (excited less plain). \
      matrix has how much the maps of each two words share, averaged over seeds. curves has loss, largest attention, entropy and overlap over \
      the steps, the median and quartiles of five and more seeds. neglect ranks runs of any prompts by \
      their weakest subject, with verdicts as heed analyze words them. --print-layout prints any of them \
      as YAML; --layout takes such a file, in which a list of panels makes one sheet of several layouts, \
      each with its caption.
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
  var runs: [String] = []

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      """
      A .pdf, .png, .svg, .apng (maps step by step), .json (shapes and words as they are laid out), or \
      .tex (a figure with caption, around the .pdf or .png); repeatable.
      """,
      valueName: "file"))
  var output: [String] = ["sheet.pdf", "sheet.png"]

  @Option(
    help: ArgumentHelp(
      """
      compare, tokens, steps, layers, heads, seeds, methods, difference, sweep, matrix, curves, \
      neglect, or a .yaml file.
      """,
      valueName: "layout"))
  var layout = "compare"

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

  @Option(
    help: ArgumentHelp(
      "Steps shown by steps and by an animation, as in 0,5..10.", valueName: "steps"))
  var steps: String?

  @Option(
    help: ArgumentHelp(
      "The knob that sweep sets runs apart by, as in scale-factor.", valueName: "name"))
  var knob: String?

  @Option(
    help: ArgumentHelp(
      "Panels of curves: some of loss, maxima, entropy, overlap; otherwise all recorded.",
      valueName: "measures"))
  var measures: String?

  @Option(help: ArgumentHelp("How many cases neglect shows; otherwise 12.", valueName: "number"))
  var cases: Int?

  @OptionGroup(title: "Maps") var maps: MapOptions
  @OptionGroup(title: "Page") var page: SheetOptions

  /// Whether the layout is a file.
  private var isFile: Bool { [".yaml", ".yml"].contains(where: layout.hasSuffix) }

  func validate() throws {
    func refuse(_ name: String, if isGiven: Bool) throws {
      if isGiven { throw ValidationError("\(name) means nothing to the layout \(layout).") }
    }
    try refuse("--words", if: words != nil && ["compare", "curves", "neglect"].contains(layout))
    try refuse("--knob", if: knob != nil && layout != "sweep" && !isFile)
    try refuse("--measures", if: measures != nil && layout != "curves")
    try refuse("--cases", if: cases != nil && layout != "neglect")
    if let cases, cases < 1 { throw ValidationError("--cases is \(cases); expected 1 or more.") }
    let isAnimated = output.contains { $0.lowercased().hasSuffix(".apng") }
    try refuse("--steps", if: steps != nil && layout != "steps" && !isFile && !isAnimated)
    if let read = ["matrix": ["--colors"], "curves": []][layout] {
      for name in maps.given where !read.contains(name) { try refuse(name, if: true) }
    }
    if layout == "difference" { try refuse("--colors", if: maps.colors != nil) }
    if runs.isEmpty && !printLayout {
      throw ValidationError("Missing expected argument '<run> ...'")
    }
  }

  func run() throws {
    let plan = try self.plan()
    if printLayout { return print(SheetFile.text(plan)) }
    let runs = try self.runs.flatMap(RunSearch.folders).map { try RecordedRun($0) }
    let style = try page.style(maps.applied(to: MapStyle()))
    let software = "Heed \(HeedVersion.current)"
    try SheetWriter.write(
      to: output, dpi: page.dpi, isAnonymous: page.noMetadata,
      { try plan.scene(runs, style: style, software: software) },
      frames: plan.isAnimated
        ? { try plan.frames(runs, style: style, software: software) } : nil)
  }

  /// The layout with what the options change.
  private func plan() throws -> SheetPlan {
    var plan = isFile ? try SheetFile.read(layout) : SheetPlan(try builtIn())
    for row in plan.rows.indices {
      for place in plan.rows[row].indices { try change(&plan.rows[row][place]) }
    }
    return plan
  }

  private func builtIn() throws -> SheetPlan.Content {
    if let layout = MapSheetPlan.Layout(rawValue: layout) { return .maps(MapSheetPlan(layout)) }
    switch layout {
    case "compare": return .compare(recipe: "")
    case "matrix": return .matrix(words: [], recipe: "")
    case "curves": return .curves(measures: [], recipe: "")
    case "neglect": return .neglect(cases: NeglectSheet.defaultCases, recipe: "")
    default:
      let layouts =
        ["compare", "matrix", "curves", "neglect"] + MapSheetPlan.Layout.allCases.map(\.rawValue)
      throw Failure(
        .usage,
        "--layout is '\(layout)'; expected a .yaml file or one of "
          + layouts.joined(separator: ", "))
    }
  }

  /// Gives a panel the words, steps, recipe and drawing that were asked for.
  private func change(_ panel: inout SheetPlan.Panel) throws {
    let recipe = try self.recipe.map { try Recipe(parsing: $0).description }
    switch panel.content {
    case .compare(let own): panel.content = .compare(recipe: recipe ?? own)
    case .matrix(let own, let text):
      panel.content = .matrix(words: words == nil ? own : try names, recipe: recipe ?? text)
    case .curves(let own, let text):
      let asked = try measures.map {
        try ChoiceList<CurvesSheet.Measure>(option: "--measures", $0).choices
      }
      panel.content = .curves(measures: asked ?? own, recipe: recipe ?? text)
    case .neglect(let own, let text):
      panel.content = .neglect(cases: cases ?? own, recipe: recipe ?? text)
    case .maps(var plan):
      if let recipe { plan.recipe = recipe }
      if words != nil {
        plan.showsAllTokens = false
        plan.words = try names
      }
      if let knob { plan.knob = knob }
      if let steps { plan.steps = try IndexList(option: "--steps", steps).indices }
      if (try panel.maps ?? maps.applied(to: MapStyle())).overlay == .side {
        plan.showsPictures = true
      }
      panel.content = .maps(plan)
    }
    if panel.maps != nil || printLayout {
      panel.maps = try maps.applied(to: panel.maps ?? MapStyle())
    }
  }

  /// `--words`, one by one.
  private var names: [String] {
    get throws { try words.map(WordReference.list)?.map(\.description) ?? [] }
  }
}
