import ArgumentParser
import AttentionTrace
import Drawing
import Evaluation
import Figures
import Foundation
import TensorEngine

/// A benchmark as one page.
struct BenchmarkReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes one HTML page of a benchmark: tables, charts, and every picture.",
    usage: "heed benchmark report [<folder>] [-o <file>]",
    discussion: """
      Pictures are filtered by subset, prompt, method and seed, and sorted by any score; each is a link to \
      its run: to report.html in the run's folder, else in the prompt's, where heed report wrote one, \
      else to the folder. The page asks the network for nothing.

      Pictures are not in the page, which stays small, but loaded from the benchmark's folder as they come \
      into view: move or copy page and folder together. Pictures of runs that are not complete are left \
      out, and the page says how many.
      """)

  @Argument(
    help: ArgumentHelp("The benchmark's folder.", valueName: "folder"), completion: .directory)
  var folder = "bench"

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The page to write. (default: report.html in the benchmark's folder)", valueName: "file"))
  var output: String?

  @Flag(help: "Opens the page in your browser.")
  var open = false

  /// The name of a run's own report in its folder.
  private static let report = "report.html"
  /// The width of charts on the page, in points.
  private static let chartWidth = 560.0

  func run() throws {
    let contents = try BenchmarkContents(BenchmarkFolder(folder))
    let output = output ?? "\(folder)/\(Self.report)"
    Interrupt.watch()
    let (pictures, missing) = try pictures(contents)
    guard !pictures.isEmpty else {
      throw Failure(
        .missingInput,
        "\(contents.folder.runs): holds no complete run; make some with heed benchmark run")
    }
    var notes = missing == 0 ? [] : ["Runs that are not complete, and left out: \(missing)"]
    if contents.scores.isEmpty {
      notes.append("No picture is scored yet: heed benchmark score does so.")
    }
    let record = contents.record
    let page = try BenchmarkPage(
      title: "\(record.suite), \(record.model)",
      facts: [
        "prompts: \(contents.suite.prompts.count)",
        "methods: \(record.titles.joined(separator: "; "))", "seeds: \(record.seeds.count)",
      ],
      runs: FigureFile.path(to: contents.folder.runs, fromFolderOf: output),
      file: URL(fileURLWithPath: RunFolder(path: "/").image).lastPathComponent,
      prompts: contents.suite.prompts.map { prompt in
        BenchmarkPage.Prompt(
          id: prompt.id, text: prompt.prompt, subset: prompt.subset,
          report: Self.report(in: "\(contents.folder.runs)/\(prompt.id)"))
      },
      methods: zip(record.methods, record.titles).map { .init(name: $0, title: $1) },
      pictures: pictures, scores: contents.samples.scored.map(\.title),
      tables: try tables(contents), figures: try figures(contents), notes: notes,
      software: "Made with Heed \(HeedVersion.current)")
    try page.write(to: output)
    print("\(output): pictures: \(pictures.count), \(formatBytes(page.html.count))")
    for note in notes { Message.note(note) }
    if open, let problem = DesktopBrowser.open(output) { Message.note(problem) }
  }

  /// The pictures of complete runs with their scores, and how many runs are not complete.
  private func pictures(
    _ contents: BenchmarkContents
  ) throws -> (pictures: [BenchmarkPage.Picture], missing: Int) {
    let (record, kinds) = (contents.record, contents.samples.scored)
    var (found, missing) = ([BenchmarkPage.Picture](), 0)
    for (place, prompt) in contents.suite.prompts.enumerated() {
      try Interrupt.check("nothing was written")
      for (column, method) in record.methods.enumerated() {
        for seed in record.seeds(of: method) {
          guard try contents.folder.picture(of: prompt, method, seed: seed) != nil else {
            missing += 1
            continue
          }
          let run = contents.folder.run(prompt.id, method, seed: seed)
          found.append(
            BenchmarkPage.Picture(
              prompt: place, method: column, seed: seed, report: Self.report(in: run.path),
              values: kinds.map {
                contents.samples.value($0, method, prompt.id, seed) ?? .nan
              }))
        }
      }
    }
    return (found, missing)
  }

  private static func report(in folder: String) -> String? {
    FileManager.default.fileExists(atPath: "\(folder)/\(report)") ? report : nil
  }

  private func tables(_ contents: BenchmarkContents) throws -> [BenchmarkPage.Table] {
    guard !contents.scores.isEmpty else { return [] }
    let (suite, path) = (contents.suite, contents.folder.scores)
    let tables = [
      try ScoreTable(contents.scores, of: suite, record: contents.record, path: path),
      try ScoreTable(contents.scores, of: ablations(contents), suite, path: path),
    ]
    return tables.filter { !$0.rows.isEmpty }.flatMap(\.tables).map {
      BenchmarkPage.Table(caption: $0.caption, columns: $0.columns, rows: $0.rows, keys: 2)
    }
  }

  private func ablations(_ contents: BenchmarkContents) throws -> Ablations {
    try Ablations(contents.folder, contents.suite, contents.record)
  }

  /// Charts of what is scored.
  private func figures(
    _ contents: BenchmarkContents
  ) throws -> [(heading: String, scene: Scene)] {
    let sheets = BenchmarkSheets(contents: contents)
    let scored = contents.samples.scored
    let scores = try sheets.scores(kinds: ScoreKind.charted.filter(scored.contains))
    let ablations = try sheets.ablations(
      ablations(contents), kinds: ScoreKind.ofAblations.filter(scored.contains))
    var style = SheetStyle(width: Self.chartWidth)
    style.words.title = false
    return
      (scores.isEmpty ? [] : [("Scores by subset", try scores.scene(style))])
      + (ablations.isEmpty ? [] : [("Ablations", try ablations.scene(style))])
  }
}
