import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
internal import Drawing
import Evaluation
import Figures
import Foundation
import PromptText

/// Runs of one method with several values of one knob, and a sheet and a table of them.
struct Sweep: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a method with several values of one knob; draws and measures the results.",
    usage: "heed sweep <prompt> --vary <knob=values> [--method <method>] [<options>]",
    discussion: """
      Examples:
        heed sweep "a cat and a frog" --vary step-size=5,10,20,40 --seeds 0..7
        heed sweep "a cat and a frog" --vary "thresholds=none;0=0.05,10=0.5"
        heed sweep "a red car and a sheep" --method conform --vary temperature=0.1,0.5

      For each seed all values of the knob start from the same initial noise. Each run is a folder \
      OUTPUT/PROMPT/METHOD+KNOB-VALUE/seed-N; the sheet, heed sheet's layout sweep, is METHOD+KNOB.pdf \
      and .png in OUTPUT/PROMPT. Complete runs are not made again; interrupted runs resume. The table \
      is heed analyze's report outcome: for several seeds it has the mean with its bootstrap interval; \
      --csv and --json have one row per run.

      All options: heed help sweep. Methods: heed help methods; the knobs of one: heed help conform.
      """)

  @Argument(help: "The text prompt.")
  var prompt: String

  @Option(
    help: ArgumentHelp(
      """
      A knob of the method, or guidance-scale, and its values, separated by commas, or by semicolons \
      if values contain commas.
      """, valueName: "knob=values"))
  var vary: String

  @Option(
    help: ArgumentHelp("The method; see heed help methods.", valueName: "method"),
    completion: .methods)
  var method = "attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0..3"

  @Option(name: [.short, .long], help: ArgumentHelp("The folder for runs.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the table of all runs as JSON.")
  var json = false

  @Flag(help: "Print the table of all runs as CSV.")
  var csv = false

  @OptionGroup var options: RunOptions

  func validate() throws {
    if json && csv { throw ValidationError("Give either --json or --csv.") }
  }

  func run() throws {
    let sweep = try Evaluation.Sweep(vary, of: MethodList.one(option: "--method", method))
    try refuseVaried(sweep.knob)
    let order = try order(sweep)
    guard let runs = try made([order]) else { return }
    if options.recording.record {
      let sheet = "\(output)/\(RunFolder.slug(order.prompt.prompt))/\(method)+\(sweep.knob)"
      try SheetWriter.tryToWrite(
        runs, plan: .sweep(knob: sweep.knob), to: [sheet + ".pdf", sheet + ".png"])
    }
    let table = try MeasurementTable(outcomesOf: runs, varying: sweep.knob)
    if json || csv { return print(table.text(json ? .json : .csv), terminator: "") }
    let shown = Set(runs.map(\.manifest.seed)).count > 1 ? table.over(["seed"]) : table
    print(shown.text(.text, width: TerminalWidth.ofTables), terminator: "")
  }

  /// Refuses the option of the knob that is varied.
  private func refuseVaried(_ knob: String) throws {
    let isGuidance = knob == "guidance-scale" && options.sampling.guidanceScale != 7.5
    guard options.knobs.texts[knob] != nil || isGuidance else { return }
    let option = KnobOption.all.first { $0.name == knob }
    let names = [knob, option?.alias].compactMap(\.self).map { "--\($0)" }
    throw Failure(
      .usage, "--vary sets \(knob), so \(names.joined(separator: " or ")) cannot be given too")
  }

  /// The runs at every value.
  private func order(_ sweep: Evaluation.Sweep) throws -> RunOrder {
    let seeds = try SeedList(self.seeds).seeds
    let base = try options.knobs.applied(to: [MethodList.one(option: "--method", method)])[0]
    let (model, picture, previews) = try loaded()
    let orders = try sweep.orders(
      prompt, by: base, from: seeds, reading: options.reading, on: model
    ) {
      try options.template($0, picture, previews, on: model)
    }
    return RunOrder(joining: orders)
  }
}
