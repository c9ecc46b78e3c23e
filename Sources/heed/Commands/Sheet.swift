public import ArgumentParser
import AttentionAnalysis
import AttentionTrace
internal import Drawing
public import Figures
import PromptText

/// Sheets of recorded runs, drawn without a model.
struct Sheet: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws sheets of recorded runs, without a model.",
    usage: "heed sheet [<options>] <run> ...",
    discussion: """
      compare, the default layout, shows for each seed the pictures of all methods side by side and \
      below each its maps; it needs, for each seed, one run of every method, or runs of heed explain. \
      --curves strip adds the peak attention of each step, full the excitation score too. The others \
      show maps in rows and columns on one scale, of any runs of one prompt: tokens (every token), steps \
      (eight, or --steps), frames (of a video: eight, or --frames), layers, heads, seeds and methods (a row for each), sweep (a row for each value \
      of --knob, and charts of what it led to), difference (a method − Stable Diffusion). matrix shows how \
      much the maps of each two \
      words overlap, averaged over seeds. curves shows peak attention, loss, entropy and overlap over \
      the steps, with median and quartiles from five seeds on. neglect shows the cases of neglect among \
      runs of any prompts, the most neglected first, with the verdicts of heed analyze. --print-layout prints any of them as YAML; \
      --layout reads such a file, in which a list of panels makes one sheet of several layouts, each with \
      its caption.
      """)

  @Argument(
    help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"),
    completion: .runs)
  var runs: [String] = []

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      """
      A .pdf, .png or .svg; an .apng, .gif or .mp4 (maps step by step; .mp4 needs ffmpeg); a .json (every shape \
      and word with its position), or a .tex (a figure with caption that includes the .pdf or .png); repeatable.
      """,
      valueName: "file"))
  var output: [String] = ["sheet.pdf", "sheet.png"]

  @Option(
    help: ArgumentHelp(
      """
      compare, tokens, steps, frames, layers, heads, seeds, methods, difference, sweep, matrix, \
      curves, neglect, or a .yaml file.
      """,
      valueName: "layout"), completion: .layouts)
  var layout = "compare"

  @Flag(help: "Print the layout as YAML instead of drawing it.")
  var printLayout = false

  @Option(
    help: ArgumentHelp(
      "How maps are aggregated, as in \"mean(head) mean(layer: 16x16) mean(step: 0..24)\".",
      valueName: "text"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      "Words, separated by commas: frog, frog#2, @5, <start>. (default: the runs' subjects)",
      valueName: "words"))
  var words: String?

  @Option(
    help: ArgumentHelp(
      "Steps that the layout steps and animations show, as in 0,5..10.", valueName: "steps"))
  var steps: String?

  @Option(
    help: ArgumentHelp(
      "Frames of a video that the layout frames shows, as in 0,5..10.", valueName: "frames"))
  var frames: String?

  @Option(
    help: ArgumentHelp(
      "The knob whose values the layout sweep compares, as in scale-factor.", valueName: "name"))
  var knob: String?

  @Option(
    help: ArgumentHelp(
      """
      What the layout curves draws: peak, score, loss, entropy, overlap. (default: all but score, which \
      stands in for peak where no maps were recorded)
      """,
      valueName: "measures"), completion: .names(CurveMeasure.allCases.map(\.rawValue)))
  var measures: String?

  @Option(
    help: ArgumentHelp(
      "Curves below each seed in the layout compare. (default: none)", valueName: "curves"))
  var curves: CompareCurves?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Steps whose predicted pictures the layout compare shows beside the maps, as in 0,5..10; auto for four. \
      (default: none)
      """, valueName: "steps"))
  var stepsPictures: String?

  @Option(
    help: ArgumentHelp(
      "How many cases the layout neglect shows. (default: 12)", valueName: "number"))
  var cases: Int?

  @OptionGroup var boxes: BoxOptions
  @OptionGroup(title: "Maps") var maps: MapOptions
  @OptionGroup(title: "Page") var page: SheetOptions

  func validate() throws {
    if let cases, cases < 1 { throw ValidationError("--cases is \(cases); expected 1 or more.") }
    if runs.isEmpty && !printLayout {
      throw ValidationError("Missing expected argument '<run> ...'")
    }
  }

  func run() throws {
    var plan = try self.plan()
    try refuseUnread(plan)
    for row in plan.rows.indices {
      for place in plan.rows[row].indices { try change(&plan.rows[row][place]) }
    }
    if printLayout { return print(plan.yaml) }
    let choice = try RunChoice(runs, plan.demand)
    Message.leftOut(choice)
    var sheet = Figures.Sheet(
      plan, of: choice.runs, style: try page.style(maps.applied(to: MapStyle())))
    sheet.detections = try boxes.detections(of: choice.runs)
    try SheetWriter.write(sheet, to: output, dpi: page.dpi, isAnonymous: page.noMetadata)
  }

  /// The layout as it is built in or in its file.
  private func plan() throws -> SheetPlan {
    if [".yaml", ".yml"].contains(where: layout.hasSuffix) { return try SheetPlan(file: layout) }
    guard let layout = SheetLayout(rawValue: layout) else {
      throw Failure.wrongValue(
        "--layout", layout, expected: SheetLayout.allCases.map(\.rawValue) + ["a .yaml file"])
    }
    return SheetPlan(layout)
  }

  /// Refuses options that no panel uses.
  private func refuseUnread(_ plan: SheetPlan) throws {
    let panels = plan.rows.joined()
    if boxes.boxes, !panels.contains(where: \.content.kind.showsPictures) {
      throw Failure(.usage, "the layout \(layout) does not use --boxes: it shows no pictures")
    }
    if boxes.boxes, printLayout {
      throw Failure(.usage, "--print-layout does not use --boxes: they are no part of a layout")
    }
    let style = try maps.applied(to: MapStyle())
    let frames: Set<SheetOption> =
      plan.isAnimated && output.contains(where: Figures.Sheet.isAnimated) ? [.steps] : []
    let ofContent = panels.reduce(into: frames) { $0.formUnion($1.content.options) }
    let read = try panels.reduce(into: frames) {
      var panel = $1
      panel.maps = try panel.maps.map(maps.applied)
      $0.formUnion(panel.options(style))
    }
    guard let option = SheetOption.allCases.first(where: { given.subtracting(read).contains($0) })
    else { return }
    let reader =
      ofContent.contains(option) ? "--overlay \(style.overlay.rawValue)" : "the layout \(layout)"
    throw Failure(.usage, "\(reader) does not use --\(option.rawValue)")
  }

  /// The options of the sheet that were given.
  private var given: Set<SheetOption> {
    let isGiven: [SheetOption: Bool] = [
      .words: words != nil, .steps: steps != nil, .frames: frames != nil, .knob: knob != nil,
      .measures: measures != nil, .curves: curves != nil, .stepsPictures: stepsPictures != nil,
      .cases: cases != nil,
      .recipe: recipe != nil,
    ]
    return maps.given.union(isGiven.filter(\.value).keys)
  }

  /// Gives a panel the words, steps, recipe and drawing that were asked for.
  private func change(_ panel: inout SheetPlan.Panel) throws {
    let recipe = try self.recipe.map { try Recipe(parsing: $0).description }
    switch panel.content {
    case .compare(let own, let shown, let pictured):
      panel.content = .compare(
        recipe: recipe ?? own, curves: curves ?? shown,
        stepsPictures: try StepsPictures.steps(stepsPictures) ?? pictured)
    case .matrix(let own, let text):
      panel.content = .matrix(words: words == nil ? own : try names, recipe: recipe ?? text)
    case .curves(let own, let text):
      let asked = try measures.map {
        try ChoiceList<CurveMeasure>(option: "--measures", $0).choices
      }
      panel.content = .curves(measures: asked ?? own, recipe: recipe ?? text)
    case .neglect(let own, let text):
      panel.content = .neglect(cases: cases ?? own, recipe: recipe ?? text)
    case .outcome(let own): panel.content = .outcome(knob: knob ?? own)
    case .maps(var plan):
      if let recipe { plan.recipe = recipe }
      if words != nil {
        plan.showsAllTokens = false
        plan.words = try names
      }
      if let knob { plan.knob = knob }
      if let steps { plan.steps = try IndexList(option: "--steps", steps).indices }
      if let frames { plan.frames = try IndexList(option: "--frames", frames).indices }
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

extension CompareCurves: ExpressibleByArgument {}
