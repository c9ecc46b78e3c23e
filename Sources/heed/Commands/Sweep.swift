import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Figures
import Foundation

/// Runs of one method with one of its knobs turned, a sheet and a table of them.
struct Sweep: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turns one knob of a method, and draws and measures what that does.",
    discussion: """
      For each seed all values of the knob start from the same noise. Each run is a folder under \
      OUTPUT/PROMPT/METHOD+KNOB-VALUE/seed-N; the sheet, heed sheet's layout sweep, is \
      METHOD+KNOB.pdf and .png in OUTPUT/PROMPT. A run that is complete is not made again, and one \
      that was cut off is continued.

      The table is heed analyze's report outcome: the weakest subject's largest attention after the \
      first half of the steps and at their end, the overlap of the subjects' maps, how far the latent \
      was moved, passes of the UNet and gradients back through it, seconds; of several seeds the mean \
      with its bootstrap interval. --csv and --json have a row for each run.
      """)

  @Argument(help: "What the pictures shall show.")
  var prompt: String

  @Option(
    help: ArgumentHelp(
      """
      An option of the method, or guidance-scale, and its values: step-size=5,10,20, smooth=true,false; \
      with semicolons where values have commas: "thresholds=none;0=0.05,10=0.5".
      """, valueName: "knob=values"))
  var vary: String

  @Option(
    help: ArgumentHelp("One of \(MethodRegistry.names).", valueName: "method"))
  var method = "attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0..3"

  @Option(name: [.short, .long], help: ArgumentHelp("Where runs go.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the table of all runs as JSON.")
  var json = false

  @Flag(help: "Print the table of all runs as CSV.")
  var csv = false

  @OptionGroup var options: RunOptions

  var entries: [MethodEntry] {
    get throws { [try MethodRegistry.entry(method, option: "--method")] }
  }
  var needsSubjects: Bool { true }

  func validate() throws {
    if json && csv { throw ValidationError("Give either --json or --csv.") }
  }

  func run() throws {
    let variation = try KnobVariation(vary)
    let order = try order(of: Array(CommandLine.arguments.dropFirst()), method: nil)
    let runner = try runner(order)
    if options.recording.dryRun { return try runner.printCost() }
    try runner.run()
    let runs = try order.requests.map { try RecordedRun(runner.session.folder($0).path) }
    if options.recording.record {
      let sheet = "\(output)/\(RunFolder.slug(order.table.prompt))/\(method)+\(variation.knob)"
      try SheetWriter.tryToWrite(
        runs, plan: .maps(.sweep(knob: variation.knob)), to: [sheet + ".pdf", sheet + ".png"])
    }
    print(try table(runs, variation.knob))
  }

  /// What each value asks for, seed by seed.
  func order(of commandLine: [String], method: String?) throws -> PictureOrder {
    let variation = try KnobVariation(vary)
    let orders = try variation.values.map { value in
      let line = try variation.applied(to: commandLine, value: value)
      guard var turned = try Heed.parseAsRoot(line) as? Sweep else {
        throw Failure(.usage, "--vary: '\(value)' is no value of \(variation.knob)")
      }
      // It may have moved since the line was written.
      turned.options.model = options.model
      return try turned.order()
    }
    var order = orders[0]
    order.requests = try order.requests.indices.flatMap { seed in
      try orders.map { try variation.named($0.requests[seed]) }
    }.filter { method == nil || $0.method.name == method }
    let names = order.requests.map { "\($0.method.name), seed \($0.seed)" }
    guard Set(names).count == names.count else {
      throw Failure(.usage, "--vary is '\(vary)'; a value is there twice")
    }
    return order
  }

  /// A row for each value, or for programs one for each run.
  private func table(_ runs: [RecordedRun], _ knob: String) throws -> String {
    let measurement = RunMeasurement(by: Recipe(layers: Recipe.lossGrid))
    let outcomes = try runs.map { try measurement.outcome($0) }
    var table = MeasurementTable(
      recipe: outcomes[0].recipe, keys: ["prompt", "method", knob, "seed"],
      values: outcomes[0].values)
    table.rows = zip(runs, outcomes).map { run, outcome in
      let manifest = run.manifest
      return MeasurementTable.Row(
        keys: [
          .text(manifest.tokens.prompt), .text(manifest.method.family),
          .text(manifest.value(ofKnob: knob) ?? ""), .text(String(manifest.seed)),
        ], values: outcome.rows[0].values)
    }
    if json || csv { return table.text(json ? .json : .csv) }
    return (Set(runs.map(\.manifest.seed)).count > 1 ? table.over(["seed"]) : table).text(.text)
  }
}
