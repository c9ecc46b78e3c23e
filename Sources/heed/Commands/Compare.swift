import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
internal import Drawing
import Evaluation
import Figures
import Foundation
import PromptText

/// Recorded runs of several methods from the same initial noise, and one sheet of them.
struct Compare: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs several methods from the same initial noise, and draws one sheet of them.",
    usage: """
      heed compare <prompt> [--methods <methods>] [--seeds <list>] [<options>]
      heed compare --from <file> [--methods <methods>] [--seeds <list>] [<options>]
      """,
    discussion: """
      Examples:
        heed compare "a cat and a frog" --seeds 0..3
        heed compare "a red car and a sheep" --methods stable-diffusion,conform
        heed compare "a cat and a frog" --model stable-diffusion-v1-4
        heed compare --from prompts.txt --seeds 0..7

      For each seed all methods start from the same initial noise. Each run is a folder \
      OUTPUT/PROMPT/METHOD/seed-N; sheet.pdf and sheet.png are in OUTPUT/PROMPT. Complete runs are not \
      made again; interrupted runs resume. The table gives, for each seed, method and subject, the \
      excitation score in the first step and in the last that the method may alter, the loss of the \
      last step, the number of refinement tries, and seconds. A warning names a run whose latent's \
      largest value is above 1.25 times that of Stable Diffusion's run from the same noise at the same \
      step (without such a run, 10 standard deviations of the initial noise).

      All options: heed help compare. Methods: heed help methods; the knobs of one: heed help conform.
      """)

  @Argument(help: "The text prompt; omit it with --from.")
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      """
      Read prompts from a file, one per line; - is standard input. Each gets its sheet; the table is of \
      all. Empty lines and those that begin with # are skipped.
      """, valueName: "file"),
    completion: .file())
  var from: String?

  @Option(
    help: ArgumentHelp(
      "Methods, separated by commas; see heed help methods.", valueName: "methods"),
    completion: .names(Methods.all.map(\.name)))
  var methods = "stable-diffusion,attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0..3"

  @Option(name: [.short, .long], help: ArgumentHelp("The folder for runs.", valueName: "folder"))
  var output = "runs"

  @Option(
    help: ArgumentHelp(
      "Curves below each seed of the sheet; see heed sheet. (default: none)", valueName: "curves"))
  var curves: CompareCurves?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Show the pictures that these steps predict beside the maps, as in 0,5..10; auto for four, from the first \
      step to the last. Decoded by the model's own autoencoder, or by --preview. (default: none)
      """, valueName: "steps"))
  var stepsPictures: String?

  @Flag(help: "Print the table as JSON.")
  var json = false

  @OptionGroup var boxes: BoxOptions
  @OptionGroup var options: RunOptions

  func validate() throws {
    if (prompt == nil) == (from == nil) {
      throw ValidationError("Give either a prompt or --from FILE.")
    }
  }

  func run() throws {
    let methods = try MethodList(option: "--methods", methods).methods
    let file = try from.map { try PromptFile($0) }
    let order = try orders(methods, needsSubjects: true)
    let orders = try file?.orders(order) ?? [order(prompt ?? "")]
    try requireSteps(orders)
    guard let runs = try made(orders) else { return }
    if options.recording.record {
      for order in orders {
        let prompt = order.prompt.prompt
        let folder = "\(output)/\(RunFolder.slug(prompt))"
        let shown = runs.filter { $0.manifest.tokens.prompt == prompt }
        try SheetWriter.tryToWrite(
          shown, plan: try plan(of: shown), detections: boxes.detections(of: shown),
          to: [folder + "/sheet.pdf", folder + "/sheet.png"])
      }
    }
    print(ComparisonTable(runs).text(json: json))
  }

  var picturedSteps: [Int]? { get throws { try StepsPictures.steps(stepsPictures) } }

  /// Refuses steps that the runs do not have, before they are made.
  private func requireSteps(_ orders: [RunOrder]) throws {
    let count = orders.flatMap(\.plans).map(\.timesteps.count).min() ?? 0
    guard let text = stepsPictures, let last = try picturedSteps?.last, last >= count else {
      return
    }
    throw Failure(
      .usage, "--steps-pictures is '\(text)'; expected steps among 0..\(count - 1), or auto")
  }

  /// What the sheet shows.
  private func plan(of runs: [RecordedRun]) throws -> SheetPlan {
    let layout = SheetLayout(for: runs)
    let pictured = try picturedSteps
    guard layout == .compare else {
      if pictured != nil {
        Message.warning("the sheet of so many methods has no place for --steps-pictures")
      }
      return SheetPlan(layout)
    }
    return SheetPlan(
      .compare(recipe: "", curves: curves ?? .without, stepsPictures: pictured))
  }
}
