import ArgumentParser
internal import Drawing
import Evaluation
internal import Figures

/// Figures of a benchmark.
struct BenchmarkFigure: ParsableCommand {
  /// What a figure shows.
  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case scores
    case strips
    case grid
    case ablations
  }

  static let configuration = CommandConfiguration(
    commandName: "figure",
    abstract: "Draws a benchmark's scores or pictures as a figure for a paper.",
    usage: "heed benchmark figure [<folder>] [--kind <kind>] [-o <file> ...] [<options>]",
    discussion: """
      Examples:
        heed benchmark figure --kind scores --for cvpr --width column -o scores.pdf
        heed benchmark figure --kind strips --prompts a-cat-and-a-frog --seeds 0..3
        heed benchmark figure --kind grid --prompts a-cat-and-a-frog --seeds 0..63

      scores: a chart for each score and subset with a bar for each method and its 95 % interval; a dashed \
      line is the score of photos, where they are scored. strips: of chosen prompts, a row of pictures for \
      each method, a column for each seed. grid: all pictures of one prompt by each method, none left out. \
      ablations: the scores at each value of each knob that runs were varied in.

      The figure is a sheet as heed sheet draws it: a long one has several pages with --for, and the endings \
      are .pdf, .png, .svg, .json and .tex.
      """)

  @Argument(
    help: ArgumentHelp("The benchmark's folder.", valueName: "folder"), completion: .directory)
  var folder = "bench"

  @Option(help: "What is shown: scores, strips, grid or ablations.")
  var kind = Kind.scores

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "A .pdf, .png, .svg, .json or .tex; repeatable. (default: the kind's name, .pdf and .png)",
      valueName: "file"))
  var output: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Scores, as heed benchmark table --format csv names them. (default: clip_full,clip_minimum; of \
      ablations owl_all too)
      """, valueName: "scores"))
  var scores: String?

  @Option(
    help: ArgumentHelp(
      "Methods, by the names of their folders, separated by commas. (default: all with nothing varied)",
      valueName: "methods"))
  var methods: String?

  @Option(
    help: ArgumentHelp(
      "Prompts by their ids in the suite. (default: of strips the first of each subset, of a grid the first)",
      valueName: "ids"))
  var prompts: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Seeds, as in 0..3 or 7,12. (default: of scores and ablations all; of a grid all that every method \
      has, of strips the first four of those)
      """,
      valueName: "list"))
  var seeds: String?

  @OptionGroup(title: "Page") var page: SheetOptions

  private static let stripSeeds = 4

  func validate() throws {
    let unread: [(String, Bool, [Kind])] = [
      ("scores", scores != nil, [.scores, .ablations]),
      ("methods", methods != nil, [.scores, .strips, .grid]),
      ("prompts", prompts != nil, [.strips, .grid]),
    ]
    for (option, isGiven, readers) in unread where isGiven && !readers.contains(kind) {
      throw ValidationError("--kind \(kind.rawValue) does not use --\(option)")
    }
  }

  func run() throws {
    let contents = try BenchmarkContents(BenchmarkFolder(folder))
    let sheet = try sheet(contents)
    let files = output.isEmpty ? [".pdf", ".png"].map { kind.rawValue + $0 } : output
    SheetWriter.tell(
      try sheet.write(
        to: files, style: page.style(MapStyle()), dpi: page.dpi, isAnonymous: page.noMetadata))
  }

  private func sheet(_ contents: BenchmarkContents) throws -> any PagedSheet {
    let sheets = BenchmarkSheets(contents: contents)
    switch kind {
    case .scores:
      return try sheets.scores(
        methods: try chosenMethods(contents), kinds: chosenScores(contents),
        seeds: chosenSeeds(contents))
    case .ablations:
      let ablations = try Ablations.required(contents.folder, contents.suite, contents.record)
      return try sheets.ablations(
        ablations, kinds: chosenScores(contents), seeds: chosenSeeds(contents))
    case .strips:
      let named = try chosenPrompts(contents)
      let methods = try chosenMethods(contents) ?? contents.plainMethods
      return try sheets.strips(
        named ?? Self.firstPrompts(contents),
        chosen: named == nil && !contents.subsets.isEmpty
          ? "Prompts: the first of each subset of the suite." : "",
        methods: methods,
        seeds: try chosenSeeds(contents)
          ?? Array(contents.seeds(of: methods).prefix(Self.stripSeeds)))
    case .grid:
      let prompts = try chosenPrompts(contents) ?? Array(contents.suite.prompts.prefix(1))
      guard prompts.count == 1 else {
        throw Failure(.usage, "a grid is of one prompt; --prompts names \(prompts.count)")
      }
      return try sheets.grid(
        prompts[0], methods: try chosenMethods(contents) ?? contents.plainMethods,
        seeds: try chosenSeeds(contents))
    }
  }

  // MARK: - What was chosen

  /// The scores named, or the usual ones among those that there are.
  private func chosenScores(_ contents: BenchmarkContents) throws -> [ScoreKind] {
    guard !contents.scores.isEmpty else { throw Failure.noScores(in: contents.folder) }
    let there = contents.samples.scored
    guard let scores else {
      let usual = kind == .ablations ? ScoreKind.ofAblations : ScoreKind.charted
      let found = usual.filter(there.contains)
      return found.isEmpty ? Array(there.filter { !$0.isDetail }.prefix(2)) : found
    }
    return try Self.items(scores, "--scores", among: there.map { ($0.key, $0) })
  }

  private func chosenMethods(_ contents: BenchmarkContents) throws -> [String]? {
    try methods.map {
      try Self.items($0, "--methods", among: contents.record.methods.map { ($0, $0) })
    }
  }

  private func chosenPrompts(_ contents: BenchmarkContents) throws -> [SuitePrompt]? {
    try prompts.map {
      try Self.items($0, "--prompts", among: contents.suite.prompts.map { ($0.id, $0) })
    }
  }

  private func chosenSeeds(_ contents: BenchmarkContents) throws -> [UInt64]? {
    try seeds.map { try SeedList($0, of: contents.record).seeds }
  }

  /// The items whose names are in `text`, separated by commas.
  private static func items<Item>(
    _ text: String, _ option: String, among known: [(name: String, item: Item)]
  ) throws -> [Item] {
    let names = try NameList(option: option, text, of: known.map(\.name)).names
    return names.compactMap { name in known.first { $0.name == name }?.item }
  }

  /// The first prompt of each subset, in the order of the suite.
  private static func firstPrompts(_ contents: BenchmarkContents) -> [SuitePrompt] {
    guard !contents.subsets.isEmpty else { return Array(contents.suite.prompts.prefix(3)) }
    return contents.subsets.compactMap { subset in
      contents.suite.prompts.first { $0.subset == subset }
    }
  }
}
