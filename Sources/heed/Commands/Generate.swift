import ArgumentParser
import AttentionTrace
import Diffusion
import Foundation

/// Pictures by one method, recorded.
struct Generate: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes pictures by one method, with their attention recorded.",
    discussion: """
      Each run is a folder under OUTPUT/PROMPT/METHOD/seed-N with run.json, calls.jsonl, \
      attention.zarr, image.png, latent.npy and losses.csv. Its path is printed when it is complete.
      """)

  @Argument(help: "What the pictures shall show.")
  var prompt: String

  @Option(
    help: ArgumentHelp("One of \(MethodRegistry.names).", valueName: "method"))
  var method = "attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0"

  @Option(name: [.short, .long], help: ArgumentHelp("Where runs go.", valueName: "folder"))
  var output = "runs"

  @OptionGroup var options: RunOptions

  var entries: [MethodEntry] {
    get throws { [try MethodRegistry.entry(method, option: "--method")] }
  }
  var needsSubjects: Bool { false }

  func run() throws {
    let order = try order()
    let runner = try runner(order)
    if options.recording.dryRun { return try runner.printCost() }
    try runner.run()
    for request in order.requests { print(runner.session.folder(request).path) }
  }
}
