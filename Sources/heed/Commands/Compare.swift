import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import Figures
import Foundation
import PromptText

/// Recorded runs of several methods from the same initial noise, and one sheet of them.
struct Compare: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs several methods from the same initial noise, and draws one sheet of them.",
    usage: "heed compare <prompt> [--methods <methods>] [--seeds <list>] [<options>]",
    discussion: """
      Examples:
        heed compare "a cat and a frog" --seeds 0..3
        heed compare "a red car and a sheep" --methods stable-diffusion,conform
        heed compare "a cat and a frog" --model stable-diffusion-v1-4

      For each seed all methods start from the same initial noise. Each run is a folder \
      OUTPUT/PROMPT/METHOD/seed-N; sheet.pdf and sheet.png are in OUTPUT/PROMPT. Complete runs are not \
      made again; interrupted runs resume. The table gives, for each seed, method and subject, the \
      largest attention in the first and in the last altered step, the loss of the last step, the \
      number of refinement tries, and seconds.

      All options: heed help compare. Methods: heed help methods; the knobs of one: heed help conform.
      """)

  @Argument(help: "The text prompt.")
  var prompt: String

  @Option(
    help: ArgumentHelp(
      "Methods, separated by commas; see heed help methods.", valueName: "methods"),
    completion: .list(Methods.all.map(\.name)))
  var methods = "stable-diffusion,attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0..3"

  @Option(name: [.short, .long], help: ArgumentHelp("The folder for runs.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the table as JSON.")
  var json = false

  @OptionGroup var options: RunOptions

  func run() throws {
    let methods = try MethodList(option: "--methods", methods).methods
    let order = try order(methods, needsSubjects: true)
    guard let runs = try made(order) else { return }
    if options.recording.record {
      let folder = "\(output)/\(RunFolder.slug(order.prompt.prompt))"
      try SheetWriter.tryToWrite(runs, to: [folder + "/sheet.pdf", folder + "/sheet.png"])
    }
    print(ComparisonTable(runs).text(json: json))
  }
}
