import ArgumentParser
import Diffusion

/// Which checkpoint runs.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A checkpoint in diffusers' layout; without it, the model that comes with Heed.",
      valueName: "folder"))
  var model: String?

  func checkpoint() throws -> Checkpoint { try Checkpoint(model ?? Checkpoint.menagerie) }
}
