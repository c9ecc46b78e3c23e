public import ArgumentParser
import AttentionTrace
import Diffusion
public import TensorEngine

/// The options of a picture other than prompt, seed and method.
struct SamplingOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Denoising steps.")
  var steps = 50

  @Option(
    parsing: .unconditional, help: "Classifier-free guidance scale; 1 or less disables it.")
  var guidanceScale = 7.5

  @Option(help: "The negative prompt.")
  var negativePrompt = ""

  @OptionGroup var size: SizeOption

  @Option(
    help: ArgumentHelp(
      """
      The scheduler: ddim, pndm, lms, euler, euler-ancestral or dpmsolver++. (default: the checkpoint's)
      """, visibility: HelpDetail.rare), completion: .schedulers)
  var scheduler: String?

  @Option(
    help: ArgumentHelp(
      """
      Which generator draws the initial noise: torch (CPU generator), torch-cuda (GPU generator, used \
      for most published seeds) or numpy (RandomState, 32-bit seeds).
      """, visibility: HelpDetail.rare))
  var rng = RandomSourceKind.torch

  func apply(to request: inout RunRequest) throws {
    guard guidanceScale.isFinite else {
      throw Failure(.usage, "--guidance-scale is \(guidanceScale); expected a finite number")
    }
    request.size = try size.imageSize
    request.steps = steps
    request.guidanceScale = guidanceScale
    request.scheduler = scheduler
    request.negativePrompt = negativePrompt
    request.rng = rng
  }
}

extension RandomSourceKind: ExpressibleByArgument {}
