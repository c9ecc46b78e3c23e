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

  @OptionGroup var prompts: PromptOptions

  @OptionGroup(title: "Stable Diffusion XL", visibility: HelpDetail.rare) var xl: XLOptions

  @OptionGroup var size: SizeOption

  @Option(
    help: ArgumentHelp(
      """
      The scheduler: ddim, pndm, lms, euler, euler-ancestral, heun, kdpm2, kdpm2-ancestral, dpmsolver++, \
      sde-dpmsolver++, dpmsolver, sde-dpmsolver, dpmsolver-singlestep, unipc, lcm or tcd. (default: the \
      checkpoint's)
      """, visibility: HelpDetail.rare), completion: .schedulers)
  var scheduler: String?

  @Option(
    help: ArgumentHelp(
      """
      How noise levels are spaced: karras, exponential, beta, or trained for those of the timesteps. \
      (default: the checkpoint's)
      """, valueName: "spacing", visibility: HelpDetail.rare),
    completion: .list(SigmaSpacing.choices.map(\.rawValue)))
  var sigmas: String?

  @Option(
    help: ArgumentHelp(
      """
      How timesteps are spread: leading, linspace, or trailing, which models for a few steps need. \
      (default: the checkpoint's)
      """, valueName: "spacing", visibility: HelpDetail.rare),
    completion: .list(SchedulerConfiguration.Spacing.allCases.map(\.rawValue)))
  var timestepSpacing: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of noise that each step of ddim or tcd adds, 0 to 1. (default: 0)",
      valueName: "number", visibility: HelpDetail.rare))
  var eta: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How far the guided prediction is drawn back to the deviation of the prompt's own, 0 to 1; about \
      0.7 for models of zero terminal SNR. (default: 0)
      """, valueName: "number", visibility: HelpDetail.rare))
  var guidanceRescale: Double?

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
    request.sigmas = try sigmas.map { name in
      guard let spacing = SigmaSpacing.choices.first(where: { $0.rawValue == name }) else {
        throw Failure.wrongValue(
          "--sigmas", name, expected: SigmaSpacing.choices.map(\.rawValue))
      }
      return spacing
    }
    request.timestepSpacing = try timestepSpacing.map { name in
      guard let spacing = SchedulerConfiguration.Spacing(rawValue: name) else {
        throw Failure.wrongValue(
          "--timestep-spacing", name,
          expected: SchedulerConfiguration.Spacing.allCases.map(\.rawValue))
      }
      return spacing
    }
    (request.eta, request.guidanceRescale) = (eta, guidanceRescale)
    request.negativePrompt = negativePrompt
    prompts.apply(to: &request)
    try xl.apply(to: &request)
    request.rng = rng
  }
}

extension RandomSourceKind: ExpressibleByArgument {}
