public import ArgumentParser
import AttentionTrace
import Diffusion
public import TensorEngine

/// What decides a picture besides prompt, seed and method.
struct SamplingOptions: ParsableArguments {
  @OptionGroup var size: SizeOption

  @Option(parsing: .unconditional, help: "Denoising steps.")
  var steps = 50

  @Option(
    parsing: .unconditional, help: "Weight of classifier-free guidance; 1 or less does without.")
  var guidanceScale = 7.5

  @Option(
    help: "ddim, pndm, lms, euler, euler-ancestral or dpmsolver++; else the checkpoint's own.")
  var scheduler: String?

  @Option(
    help: """
      Whose noise a seed means: torch (its CPU generator), torch-cuda (its generator on a GPU, as \
      most published seeds are meant) or numpy (RandomState; seeds of 32 bits).
      """)
  var rng = RandomSourceKind.torch

  @Option(help: "What the picture shall not show.")
  var negativePrompt = ""

  func apply(to request: inout GenerationRequest) throws {
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
