import ArgumentParser
import AttentionTrace
import Diffusion
import Evaluation

/// Pictures by one method, recorded.
struct Generate: PictureCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes pictures by one method, and records their attention.",
    usage: "heed generate <prompt> [--method <method>] [<options>]",
    discussion: """
      Examples:
        heed generate "a cat and a frog" --seeds 0..3
        heed generate "a red car and a sheep" --method conform --temperature 0.7
        heed generate "a cat and a frog" --layers '*' --dry-run

      Each run is a folder OUTPUT/PROMPT/METHOD/seed-N with run.json, calls.jsonl, attention.zarr, \
      image.png, latent.npy and losses.csv; its path is printed when it is complete. All \
      options: heed help generate. Methods: heed help methods; the knobs of one: heed help conform.
      """)

  @Argument(help: "The text prompt.")
  var prompt: String

  @Option(
    help: ArgumentHelp(
      "The method; see heed help methods.", valueName: "method"),
    completion: .methods)
  var method = "attend-and-excite"

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Seeds, as in 0..3 or 7,12.", valueName: "list"))
  var seeds = "0"

  @Option(name: [.short, .long], help: ArgumentHelp("The folder for runs.", valueName: "folder"))
  var output = "runs"

  @OptionGroup var options: RunOptions

  func run() throws {
    let method = try MethodList.one(option: "--method", method)
    let order = try orders([method], needsSubjects: false)(prompt)
    guard let runs = try made([order]) else { return }
    for run in runs { print(run.folder.path) }
  }
}
