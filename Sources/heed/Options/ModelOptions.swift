public import ArgumentParser
public import Diffusion
import Foundation

/// Where the checkpoint is.
struct ModelPath: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A checkpoint: a folder in diffusers' layout, or a .safetensors file in the original one. "
        + "(default: the model that comes with Heed)",
      valueName: "path"))
  var model: String?

  /// The path that was given, or that of the model that comes with Heed.
  var path: String { model ?? Checkpoint.menagerie }
}

/// Which checkpoint runs.
struct ModelOptions: ParsableArguments {
  @OptionGroup var model: ModelPath
  @OptionGroup var weights: WeightOptions

  func checkpoint() throws -> Checkpoint { try weights.checkpoint(model.path) }
}

/// How a checkpoint's weights are read.
struct WeightOptions: ParsableArguments {
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A LoRA to add to the weights, with its scale (default: 1); repeatable.",
      valueName: "file:scale"))
  var lora: [String] = []

  @OptionGroup var embeddings: EmbeddingOptions

  @Option(
    help: ArgumentHelp(
      "An autoencoder in place of the checkpoint's: a .safetensors file, or a folder in diffusers' "
        + "layout.", valueName: "path"))
  var vae: String?

  @Option(
    help: ArgumentHelp(
      "A UNet in place of the checkpoint's, of the same shape, as Lightning's: a .safetensors file, or a "
        + "folder in diffusers' layout.", valueName: "path"))
  var unet: String?

  @Option(
    help: ArgumentHelp(
      "The variant of the weights, as in fp16. (default: the one without a name, then fp32, fp16, "
        + "bf16)", valueName: "name"))
  var variant: String?

  @Option(
    help: ArgumentHelp(
      "A folder with diffusers' configurations, or a YAML file, for a model in a single file.",
      valueName: "path"))
  var config: String?

  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp(
      "Precision in which weights are kept in memory: float16, widened when used, or float32. "
        + "(default: as in their files)", valueName: "precision"))
  var precision: WeightPrecision?

  @Option(help: "What the UNet predicts: epsilon or v. (default: the checkpoint's)")
  var prediction: String?

  @Flag(
    help: ArgumentHelp(
      """
      Rescale the noise schedule to leave no signal at its last time (zero terminal SNR), for models \
      that were trained so and whose files do not say it.
      """, visibility: HelpDetail.rare))
  var zeroSnr = false

  /// Opens the checkpoint at `path` and says on standard error what was concluded of it.
  func checkpoint(_ path: String) throws -> Checkpoint {
    var options = CheckpointOptions()
    options.variant = variant
    options.vae = vae
    options.unet = unet
    options.weights = precision
    options.configuration = config
    options.loras = try lora.map(LoRA.init(argument:))
    options.embeddings = embeddings.embeddings
    options.prediction = try prediction.map { name in
      guard let prediction = ["epsilon": Prediction.epsilon, "v": .velocity][name] else {
        throw Failure.wrongValue("--prediction", name, expected: ["epsilon", "v"])
      }
      return prediction
    }
    options.zeroTerminalSNR = zeroSnr ? true : nil
    let checkpoint = try Checkpoint(path, options)
    for note in checkpoint.notes { Message.note(note) }
    return checkpoint
  }
}

extension WeightPrecision: ExpressibleByArgument {}

extension LoRA {
  /// Reads `FILE` or `FILE:SCALE`; the file's path may hold colons.
  init(argument: String) throws {
    guard let colon = argument.lastIndex(of: ":"), !argument.hasSuffix(".safetensors"),
      !FileManager.default.fileExists(atPath: argument)
    else {
      self.init(path: argument)
      return
    }
    let scale = argument[argument.index(after: colon)...]
    guard let number = Double(scale), number.isFinite else {
      throw Failure(.usage, "--lora \(argument): expected a number after the colon, got '\(scale)'")
    }
    self.init(path: String(argument[..<colon]), scale: number)
  }
}
