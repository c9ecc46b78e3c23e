public import ArgumentParser
public import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import PromptText

/// Numbers of recorded runs.
struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures recorded runs, without a model.",
    discussion: """
      neglect, the default report, judges each subject by its excitation score: what the loss reads of \
      it, from 0 to 1. score is its mean over the last fifth of the steps that the method may alter. \
      high: 0.8 or more; neglected: below 0.5; lost: below 0.5 after having been high; weak: between. A \
      verdict is about the score, not about the picture. best_score is the highest of all steps, \
      reached the first step at the last threshold, share the subject's share of the words' attention, \
      peak_distance the distance in cells from its peak to the nearest peak of another subject, \
      moved_steps how many steps moved the latent, moved how far they moved it in all. A warning says \
      where the latent is out of range (see heed help compare). Runs of Stable Diffusion and of \
      another method, of one prompt and seed, are compared, with intervals over seeds.

      words ranks the pieces of each word; statistics, overlap, binding (--bind), convergence, mass \
      and spectrum measure maps, separately with --by layer, head, step or frame; difference is a method − \
      Stable Diffusion, or, of other pipelines, each − the first; heads finds the heads that serve a word or --classes of words; segmentation \
      compares with --masks; relations with --dependencies. -o writes maps (words, statistics, \
      difference) or head weights.

      outcome is what a method achieves and costs: the weakest subject's excitation score, in the \
      same steps for all methods (the last fifth of the first half, or --window) and in the last \
      fifth of all; the overlap of the subjects' maps; how far the latent was moved; passes of the \
      UNet, and gradients back through it; seconds.

      detection asks whether the maps tell the truth: neglect's verdict on each subject word against \
      what a detector finds in the picture, by method: precision, recall and the area below the ROC \
      curve; and of the words that are found, the share of their attention inside their box against the \
      box's share of the picture. Intervals are clustered by prompt. Runs of a benchmark are looked up \
      in its scores by owl; other pictures are shown to --owl, or to a small detector that knows \
      what Menagerie draws.

      --ask finds where a word that is not in the prompt would have attended. It needs recorded \
      queries (--queries of heed generate, compare and explain) and the checkpoint that made the \
      run. The text is encoded separately, as in Open-Vocabulary Attention Maps (arXiv 2403.14291): \
      in each recorded layer and call, each head's probabilities are the softmax, over the tokens \
      of that text's own window, of queries times keys. Each word of a longer text gets its map.
      """)

  @Argument(
    help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"),
    completion: .runs)
  var runs: [String]

  @Option(help: "The report to print.")
  var report = ReportKind.neglect

  @OptionGroup(title: "Words and maps") var options: AnalysisOptions

  @Flag(help: "One row for all seeds, with bootstrap intervals.")
  var overSeeds = false

  @Flag(help: "One row for all prompts and seeds, with bootstrap intervals.")
  var overPrompts = false

  @Option(
    help: ArgumentHelp("Attributes and their nouns, as in red=car,blue=cat.", valueName: "list"))
  var bind: String?

  @Option(help: "The overlap measure of the report binding.")
  var measure = OverlapMeasure.softJaccard

  @Option(
    help: ArgumentHelp("Classes of words, as in animal=cat+frog,colour=red.", valueName: "list"))
  var classes: String?

  @Option(
    help: ArgumentHelp(
      "Mask pictures, white where the object is, of the picture's size: "
        + "cat=cat.png,frog=frog-{seed}.png.",
      valueName: "list"))
  var masks: String?

  @Option(
    help: ArgumentHelp(
      "Fractions of a map's peak attention above which a cell counts; relations uses the first.",
      valueName: "list"))
  var thresholds = "0.2,0.3,0.4,0.5,0.6"

  @Flag(help: "Thresholds are values of the map, not fractions of its peak.")
  var absolute = false

  @Flag(help: "Assign masks to maps by the Hungarian algorithm, at the first threshold.")
  var hungarian = false

  @Option(
    help: ArgumentHelp(
      "Relations of words: CoNLL-U, or a table of relation,head,dependent.", valueName: "file"))
  var dependencies: String?

  @Option(help: "The excitation score below which a subject is neglected.")
  var neglectedBelow: Float = 0.5

  @Option(help: "The excitation score at or above which a subject's score is high.")
  var highFrom: Float = 0.8

  @Option(
    help: ArgumentHelp("The steps of the verdict, as in 20..24.", valueName: "range"))
  var window: String?

  @Flag(help: "Exit with 1 if a subject of any run is neglected or lost.")
  var failOnNeglect = false

  @Option(
    help: ArgumentHelp(
      "The OWL-ViT or OWLv2 that detection shows the pictures to. (default: a benchmark's scores, or the "
        + "detector that comes with Heed)", valueName: "folder"))
  var owl: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A word, or a text whose words are measured; repeatable."))
  var ask: [String] = []

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for maps or weights.", valueName: "folder"))
  var output: String?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print CSV.")
  var csv = false

  @Flag(help: "Print a table of Markdown.")
  var markdown = false

  @Flag(help: "Print a table of LaTeX, which needs the package booktabs.")
  var latex = false

  @OptionGroup(title: "Model, for --ask") var model: ModelOptions

  func validate() throws {
    guard [json, csv, markdown, latex].count(where: { $0 }) <= 1 else {
      throw ValidationError("Give one of --json, --csv, --markdown and --latex.")
    }
    if report == .binding && bind == nil {
      throw ValidationError("binding needs --bind, as in --bind red=car,blue=cat.")
    }
    if report == .segmentation && masks == nil {
      throw ValidationError("segmentation needs --masks, as in --masks cat=cat.png.")
    }
    if report == .relations && dependencies == nil {
      throw ValidationError("relations needs --dependencies with a file.")
    }
    try refuseUnreadOptions()
  }

  /// Refuses options that the report or `--ask` does not use, which would be ignored silently.
  private func refuseUnreadOptions() throws {
    let ofMaps = Set(ReportKind.allCases).subtracting([.neglect])
    let given: [(name: String, isGiven: Bool, reports: Set<ReportKind>, isAsked: Bool)] = [
      ("--tokens", options.tokens != nil, ofMaps.subtracting([.outcome, .detection]), false),
      ("--recipe", options.recipe != nil, ofMaps, true),
      (
        "--by", options.by != nil,
        ofMaps.subtracting([.words, .heads, .segmentation, .relations, .outcome, .detection]),
        false
      ),
      ("--over-seeds", overSeeds, ofMaps.subtracting([.detection]), false),
      ("--over-prompts", overPrompts, ofMaps.subtracting([.detection]), false),
      ("--bind", bind != nil, [.binding], false),
      ("--classes", classes != nil, [.heads], false),
      ("--masks", masks != nil, [.segmentation], false),
      ("--absolute", absolute, [.segmentation, .relations], false),
      ("--hungarian", hungarian, [.segmentation], false),
      ("--dependencies", dependencies != nil, [.relations], false),
      ("--window", window != nil, [.neglect, .outcome, .detection], false),
      ("--owl", owl != nil, [.detection], false),
      ("--fail-on-neglect", failOnNeglect, [.neglect], false),
      ("--output", output != nil, [.words, .statistics, .difference, .heads], true),
    ]
    for option in given where option.isGiven {
      guard ask.isEmpty ? !option.reports.contains(report) : !option.isAsked else { continue }
      let readers = ReportKind.allCases.filter(option.reports.contains).map(\.rawValue)
      throw ValidationError(
        "\(ask.isEmpty ? "--report \(report.rawValue)" : "--ask") does not use \(option.name); "
          + "it is for \(readers.joined(separator: ", "))\(option.isAsked ? " and --ask" : "").")
    }
  }

  func run() throws {
    let runs = try self.runs.flatMap(RunSearch.folders).map { try RecordedRun($0) }
    for run in runs where run.manifest.status == .running {
      Message.note("\(run.folder.path): not complete; measured up to call \(run.calls.count)")
    }
    guard ask.isEmpty else { return try answer(runs) }
    guard report != .neglect else { return try printNeglect(runs) }
    guard report != .detection else { return try printDetection(runs) }
    var table = try measured(runs)
    if overSeeds || overPrompts {
      table = table.over(overPrompts ? ["prompt", "seed"] : ["seed"])
    }
    print(table.text(format, width: TerminalWidth.ofTables), terminator: "")
    try warnOfLosses(runs)
    if format == .text { for recipe in table.recipes { Message.note("recipe: \(recipe)") } }
  }

  /// Warns of calls whose chunks are missing, which the report skipped.
  private func warnOfLosses(_ runs: [RecordedRun]) throws {
    let recipe = try options.parsedRecipe().recipe
    for run in runs {
      guard let (all, missing) = try? run.callsTaken(by: recipe), missing > 0 else { continue }
      Message.warning(
        "\(run.folder.path): \(missing) of \(all) calls were skipped because chunks are missing; "
          + "heed check lists them")
    }
  }

  private var format: ReportFormat {
    json ? .json : csv ? .csv : markdown ? .markdown : latex ? .latex : .text
  }

  private func measured(_ runs: [RecordedRun]) throws -> MeasurementTable {
    let (recipe, weights) = try options.parsedRecipe()
    try runs.requireApart()
    let reports = MapReports(runs, words: words)
    let measurement = try options.measurement()
    if let output { try writeMaps(reports, by: recipe, weights, to: output) }
    switch report {
    case .words: return try reports.pieces(by: recipe, weights: weights)
    case .difference: return try reports.difference(measurement)
    case .statistics: return try reports.table { try measurement.statistics($0, of: $1) }
    case .overlap: return try reports.table { try measurement.overlap($0, of: $1) }
    case .convergence: return try reports.table { try measurement.convergence($0, of: $1) }
    case .spectrum: return try reports.table { try measurement.spectrum($0, of: $1) }
    case .outcome:
      let criteria = try criteria()
      return try reports.table { try measurement.outcome($0, criteria: criteria) }
    case .mass: return try reports.table { try measurement.tokenMass($0, among: runs) }
    case .binding:
      let bound = MapReports(runs) { run in
        try bonds(in: run).flatMap { [$0.attribute, $0.noun] }
      }
      return try bound.table { run, _ in
        try measurement.binding(run, of: try bonds(in: run), measure: measure)
      }
    case .heads:
      let heads = try HeadReport(runs, by: try headRecipe, classes: wordClasses)
      if let output { try AnalysisFiles.writeWeights(of: heads, to: output) }
      return heads.table
    case .segmentation:
      let masks = try MaskList(masks ?? "")
      let report = SegmentationReport(
        runs, words: masks.words, by: recipe, weights: weights, thresholds: try cuts(),
        mask: masks.mask)
      return hungarian ? try report.matched() : try report.table()
    case .relations:
      let path = dependencies ?? ""
      let relations = try RelationReport(
        runs, by: recipe, weights: weights, dependencies: path, threshold: try cuts()[0])
      for relation in relations.leftOut {
        Message.warning(
          "\(path): \(relation.relation)(\(relation.head), \(relation.dependent)): "
            + "the prompt has no such words")
      }
      return relations.table
    case .neglect, .detection: return MeasurementTable(recipe: "", keys: [], values: [])
    }
  }

  /// The words that are measured; without `--tokens`, the report on words has all of the text, of one
  /// without words its start, end and padding.
  private func words(of run: RecordedRun) throws -> [Subject] {
    guard report == .words, options.tokens == nil else { return try options.words(of: run) }
    let recipe = try options.parsedRecipe().recipe
    let table = try run.wordTable(by: recipe)
    let words = table.words.isEmpty ? table.shownSubjects : table.words.map(table.subject(of:))
    try run.check(words, by: recipe)
    return words
  }

  /// Writes the report's maps of the words that were named, or of the subjects.
  private func writeMaps(
    _ reports: MapReports, by recipe: Recipe, _ weights: [String: HeadWeights], to folder: String
  ) throws {
    let named = MapReports(reports.runs, words: options.words)
    switch report {
    case .difference:
      for (run, words, maps) in try named.differences(by: recipe, weights: weights) {
        try AnalysisFiles.write(maps, of: words, in: run, to: folder)
      }
    case .words, .statistics:
      for (run, maps) in try named.maps(by: recipe, weights: weights) {
        try AnalysisFiles.write(maps.map(\.map), of: maps.map(\.subject), in: run, to: folder)
      }
    default: break
    }
  }

  /// How the maps of heads are made.
  private var headRecipe: Recipe {
    get throws { try options.recipe.map(Recipe.init(parsing:)) ?? Recipe(layers: "*") }
  }

  /// `--classes`; without it each word is a class.
  private func wordClasses(in run: RecordedRun) throws -> [HeadAtlas.WordClass] {
    guard let classes else {
      return try options.words(of: run).map { HeadAtlas.WordClass(name: $0.name, words: [$0]) }
    }
    return try NamedValue.list(classes, option: "--classes", example: "animal=cat+frog").map {
      let words = $0.value.split(separator: "+", omittingEmptySubsequences: false)
      return HeadAtlas.WordClass(
        name: $0.name,
        words: try run.subjects(
          words.map { try WordReference(String($0)) }, by: try headRecipe))
    }
  }

  /// `--thresholds`, at least one.
  private func cuts() throws -> [MapThreshold] {
    try thresholds.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let value = Double(part), value > 0, value <= 1 || absolute, value.isFinite else {
        throw Failure(
          .usage,
          "--thresholds is '\(thresholds)'; '\(part)' is not a number above 0"
            + (absolute ? "" : " and up to 1"))
      }
      return absolute ? .absolute(value) : .relative(value)
    }
  }

  private func bonds(in run: RecordedRun) throws -> [RunMeasurement.Bond] {
    let recipe = try options.parsedRecipe().recipe
    return try NamedValue.list(bind ?? "", option: "--bind", example: "red=car,blue=cat").map {
      let bond = try run.subjects(
        [WordReference($0.name), WordReference($0.value)], by: recipe)
      return (bond[0], bond[1])
    }
  }

  private func criteria() throws -> NeglectCriteria {
    NeglectCriteria(
      neglectedBelow: neglectedBelow, highFrom: highFrom,
      window: try window.map { try IndexRange(option: "--window", $0).range })
  }

  private func printNeglect(_ runs: [RecordedRun]) throws {
    let criteria = try self.criteria()
    let reports = try runs.map { try NeglectReport($0, criteria: criteria) }
    let table = NeglectTable(reports, try NeglectComparison(reports))
    print(table.text(format, width: TerminalWidth.ofTables), terminator: "")
    if failOnNeglect, reports.contains(where: \.hasNeglect) {
      throw Failure(.comparisonFailed, "a subject is neglected")
    }
  }

  private func printDetection(_ runs: [RecordedRun]) throws {
    let (recipe, weights) = try options.parsedRecipe()
    let detections = try Detector.detections(of: runs, owl: owl)
    let report = try DetectionReport(
      runs, detections, criteria: try criteria(), recipe: recipe, weights: weights)
    for omission in report.omissions { Message.note("\(omission)") }
    guard !report.samples.isEmpty else {
      throw Failure(.unavailable, "no run has both subjects with maps or scores and a picture")
    }
    print(report.text(format, width: TerminalWidth.ofTables), terminator: "")
    if format == .text { Message.note("recipe: \(report.recipe)") }
  }

  private func answer(_ runs: [RecordedRun]) throws {
    let (recipe, weights) = try options.parsedRecipe()
    let words = try AskedWords(
      ask, of: runs, from: try model.checkpoint(), by: recipe, weights: weights)
    print(try AskedWordsReport(words, folder: output).text(json: json))
  }
}

extension OverlapMeasure: ExpressibleByArgument {}
