import ArgumentParser
import Diffusion
import Evaluation
import PromptText

/// The options of pictures and their recording, other than prompt, methods and seeds.
struct RunOptions: ParsableArguments {
  @OptionGroup var subject: SubjectOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup(title: "Picture", visibility: HelpDetail.rare) var start: PictureOptions
  @OptionGroup var model: ModelPath
  @OptionGroup(title: "Model", visibility: HelpDetail.rare) var weights: WeightOptions
  @OptionGroup var recording: RecordingOptions
  @Option(
    help: ArgumentHelp(
      """
      A tiny autoencoder (TAESD) by which the picture that each step predicts is decoded and kept: a folder of \
      diffusers' AutoencoderTiny, or taesd_decoder.safetensors. The latest one is preview.png in the run's folder.
      """, valueName: "path"))
  var preview: String?

  @OptionGroup(title: "Recording", visibility: HelpDetail.rare) var details: RecordingDetails
  @OptionGroup(visibility: HelpDetail.rare) var batch: BatchOptions
  @OptionGroup(title: "Knobs of methods") var knobs: KnobOptions

  /// How the prompt and all other texts of the runs become tokens.
  var reading: PromptReading { sampling.prompts.texts.reading }

  /// A request with everything except prompt, method and seed.
  func template(
    _ prompt: TokenTable, _ picture: StartPicture?, _ previews: StepPreviews?,
    on model: StableDiffusion
  ) throws -> RunRequest {
    var request = RunRequest(prompt.prompt, seed: 0)
    try sampling.apply(to: &request)
    try subject.apply(to: &request)
    (request.picture, request.previews) = (picture, previews)
    request.recording = try recording.plan(
      details, prompt,
      negative: model.tokenizer.encode(sampling.negativePrompt, as: reading))
    return request
  }
}
