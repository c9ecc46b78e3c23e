import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import Foundation
import PromptText

/// A run repeated without the attention of some tokens or heads, and what that changed.
struct Causal: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Repeats a run without tokens or heads, and reports what changes.",
    usage: "heed causal [<options>] <run>",
    discussion: """
      The run is repeated with the request in its run.json, and with an intervention in the attention \
      of the prompt's branch, in every step: a dropped token has no attention in any layer; a damped \
      head or token contributes less to its layers. Their share is not redistributed. The new run is \
      recorded like the first, as OUTPUT/PROMPT/METHOD+INTERVENTION/seed-N. The checkpoint, LoRAs and \
      picture that the run read are looked for where it found them, and must have the same hashes.

      The report has, of the two pictures, the mean absolute difference of samples (0 to 255), the \
      peak signal-to-noise ratio in decibels and the mean structural similarity (7x7 windows of luma); \
      of each subject, the excitation score (mean over the steps) before and after, and the overlap of the two maps (the soft Jaccard index, 0 to 1); of each two subjects, \
      the overlap of their maps before and after.
      """)

  @Argument(
    help: ArgumentHelp("The folder of a complete run.", valueName: "run"), completion: .runs)
  var place: String

  @Option(
    help: ArgumentHelp(
      "Words to drop, separated by commas: frog, frog#2, @5, <end>.", valueName: "words"))
  var drop: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A head to damp in layers (a glob over paths, or a grid), and a factor other than 0: "
        + "'up_blocks.1*attn2.3', 16x16.0=0.5; or a word and its factor: frog=0.5; repeatable.",
      valueName: "layers.head"))
  var damp: [String] = []

  @Option(
    name: [.short, .long], help: ArgumentHelp("The folder for the new run.", valueName: "folder"))
  var output = "runs"

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Where the run's checkpoint is now. (default: where the run found it)", valueName: "path"))
  var model: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Where the run's LoRA is now; repeatable, in the run's order. (default: where the run found it)",
      valueName: "file"))
  var lora: [String] = []

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Where the run's embedding is now; repeatable, in the run's order. "
        + "(default: where the run found it)",
      valueName: "file"))
  var embedding: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where the run's autoencoder is now, if it was another than the checkpoint's. "
        + "(default: where the run found it)", valueName: "path"))
  var vae: String?

  @Option(
    help: ArgumentHelp(
      "Where the run's UNet is now, if it was another than the checkpoint's. "
        + "(default: where the run found it)", valueName: "path"))
  var unet: String?

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "Where the run's start picture is now. (default: where the run found it)",
      valueName: "file"))
  var picture: String?

  func validate() throws {
    if drop == nil, damp.isEmpty {
      throw ValidationError(
        "Name what to remove: --drop WORDS, --damp LAYERS.HEAD or --damp WORD=FACTOR.")
    }
  }

  func run() throws {
    let original = try RecordedRun(place)
    try Counterfactual.requireRepeatable(original)
    let ablation = AblationRecord(
      drop: try drop.map { try WordReference.list($0).map(\.description) } ?? [], damp: damp)
    let checkpoint = try Checkpoint(
      of: original.manifest, at: model, loras: lora, embeddings: embedding, vae: vae,
      unet: unet)
    for note in checkpoint.notes { Message.note(note) }
    let model = try StableDiffusion(checkpoint)
    let counterfactual = try Counterfactual(
      of: original, without: ablation, on: model, picture: picture)
    let planned = counterfactual.planned
    Interrupt.watch()
    let progress = Progress(total: planned.timesteps.count)
    let effect = try counterfactual.run(by: Runner(model, durability: .process), in: output) {
      progress.tell($0, of: planned, in: output)
    }
    print(CounterfactualReport(effect).text(json: json))
  }
}
