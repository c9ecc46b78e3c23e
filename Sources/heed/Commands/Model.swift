import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import PromptText

/// What a checkpoint is.
struct Model: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Shows what a checkpoint is, its attention sites, and what recording them would cost.",
    usage: "heed model [<path>] [--json] [<options>]")

  @Argument(
    help:
      "The checkpoint's folder or .safetensors file. (default: the model that comes with Heed)")
  var path: String?

  @OptionGroup var weights: WeightOptions

  @OptionGroup var size: SizeOption

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    var request = RunRequest("", seed: 0, subjects: [])
    (request.size, request.recording) = (try size.imageSize, nil)
    let checkpoint = try weights.checkpoint(path ?? Checkpoint.menagerie)
    let model = try StableDiffusion(checkpoint)
    let description = try ModelDescription(try model.plan(request), try model.fileHashes())
    print(json ? try description.json() : description.text())
  }
}
