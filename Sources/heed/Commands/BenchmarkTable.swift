import ArgumentParser
import Evaluation
import Foundation

/// The scores of a benchmark, by method and subset.
struct BenchmarkTable: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "Prints the scores of a benchmark by method and subset, with intervals.",
    usage: "heed benchmark table [<folder>] [--format <format>] [<options>]",
    discussion: """
      Each number is a mean over pictures with its 95 % interval: prompts are drawn again with \
      replacement, and of each prompt its seeds. Methods are compared with the first one on the same \
      prompts and seeds. n counts pictures that have a score, of differences pairs of pictures; what has \
      another number than its row has it in round brackets. Photos, which heed benchmark score --photos \
      scores, have the last row of each subset, "photos (upper bound)".

      A LaTeX table needs the package booktabs.
      """)

  @Argument(help: ArgumentHelp("The benchmark's folder.", valueName: "folder"))
  var folder = "bench"

  @Option(help: "How the table is written: text, markdown, latex, csv or json.")
  var format = TabularFormat.text

  @Option(
    help: ArgumentHelp("Scorers, as in clip,owl; of others nothing is shown. (default: all)"))
  var scorers: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Seeds, as in 0..3 or 7,12; of other pictures nothing is counted. (default: all)",
      valueName: "list"))
  var seeds: String?

  @Flag(help: "The runs with a knob varied alone: a row for each value of each knob.")
  var ablations = false

  func run() throws {
    try Self.print(
      BenchmarkFolder(folder), scorers: scorers, seeds: seeds, format, ofAblations: ablations)
  }

  /// Prints the table of a benchmark.
  static func print(
    _ bench: BenchmarkFolder, scorers: String? = nil, seeds: String? = nil,
    _ format: TabularFormat = .text, ofAblations: Bool = false
  ) throws {
    let contents = try BenchmarkContents(bench)
    let (record, suite) = (contents.record, contents.suite)
    var scores = contents.scores(ofSeeds: try seeds.map { try SeedList($0, of: record).seeds })
    if let scorers {
      let known = Set(scores.map(\.scorer)).sorted()
      let wanted = try NameList(option: "--scorers", scorers, of: known).names
      scores.removeAll { !wanted.contains($0.scorer) }
    }
    guard !scores.isEmpty else { throw Failure.noScores(in: bench) }
    let table =
      ofAblations
      ? try ScoreTable(
        scores, of: Ablations.required(bench, suite, record), suite, path: bench.scores,
        hasPaper: scorers == nil)
      : try ScoreTable(
        scores, of: suite, record: record, path: bench.scores, hasPaper: scorers == nil)
    let shown = Set(scores.filter { $0.method == PhotoFolder.method }.map(\.id)).count
    if !ofAblations, shown > 0, shown < suite.prompts.count {
      Message.note("photos are of \(shown) of \(suite.prompts.count) prompts")
    }
    let width = TerminalWidth.columns(of: STDOUT_FILENO) ?? .max
    Swift.print(table.text(format, width: width), terminator: "")
  }
}

extension Failure {
  /// Scores were asked for where there are none.
  static func noScores(in bench: BenchmarkFolder) -> Failure {
    Failure(
      .missingInput,
      "\(bench.scores): holds no scores; make them with heed benchmark score \(bench.path)")
  }
}

extension TabularFormat: ExpressibleByArgument {}
