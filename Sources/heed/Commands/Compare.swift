import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Figures
import Foundation
import PromptText

/// Runs by several methods from the same noise, recorded, and one sheet of them.
struct Compare: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs methods from the same noise, and draws a sheet of them.",
    discussion: """
      For each seed all methods start from the same noise (see --rng). Each run is a folder under \
      OUTPUT/PROMPT/METHOD/seed-N; sheet.pdf and sheet.png stand in OUTPUT/PROMPT. A run that is \
      complete is not made again, and one that was cut off is continued. The sheet of stable-diffusion \
      and attend-and-excite is heed sheet's layout compare, that of other methods its layout methods.

      The table gives, for each seed, method and subject, the largest attention (smoothed and \
      renormalised, as the loss reads it) in the pass that predicted the noise of the first and of \
      the last altered step; the loss of the last step; tries of refinement; seconds.
      """)

  @Argument(help: "What the pictures shall show.")
  var prompt: String

  @Option(
    help: ArgumentHelp(
      "Methods, separated by commas: \(MethodRegistry.names).", valueName: "methods"))
  var methods = "stable-diffusion,attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0..3"

  @Option(name: [.short, .long], help: ArgumentHelp("Where runs go.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the table as JSON.")
  var json = false

  @OptionGroup var options: RunOptions

  var entries: [MethodEntry] {
    get throws { try MethodRegistry.entries(methods, option: "--methods") }
  }
  var needsSubjects: Bool { true }

  func run() throws {
    let order = try order()
    let runner = try runner(order)
    if options.recording.dryRun { return try runner.printCost() }
    try runner.run()
    let runs = try order.requests.map { try RecordedRun(runner.session.folder($0).path) }
    if options.recording.record {
      let folder = "\(output)/\(RunFolder.slug(order.table.prompt))"
      try SheetWriter.tryToWrite(runs, to: [folder + "/sheet.pdf", folder + "/sheet.png"])
    }
    print(ComparisonTable(runs).text(json: json))
  }
}

/// Reads a prompt, and says what of it the model will not see.
enum PromptReader {
  /// The most words that a warning lists.
  private static let shownWords = 300

  static func table(_ prompt: String, _ checkpoint: Checkpoint) throws -> TokenTable {
    let table = try checkpoint.makeTokenizer().encode(prompt)
    guard !table.words.isEmpty else { throw TextError.emptyPrompt }
    return table
  }

  /// - Parameter name: what is warned of besides a prompt.
  static func warn(_ table: TokenTable, of name: String = "the prompt") {
    guard !table.leftOut.isEmpty else { return }
    let shown = table.leftOut.prefix(shownWords).joined(separator: " ")
    let more = table.leftOut.count - shownWords
    Message.warning(
      "\(name) is longer than \(table.tokens.count) tokens; left out: \(shown)"
        + (more > 0 ? " and \(more) more words" : ""))
  }
}
