import ArgumentParser
import Diffusion

/// What only Stable Diffusion XL reads.
struct XLOptions: ParsableArguments {
  @Option(
    name: .customLong("prompt-2"),
    help: ArgumentHelp(
      "What the second text encoder reads. (default: the prompt)", valueName: "prompt"))
  var secondPrompt: String?

  @Option(
    name: .customLong("negative-prompt-2"),
    help: ArgumentHelp(
      "What it reads as the negative prompt. (default: the negative prompt)", valueName: "prompt"))
  var secondNegativePrompt: String?

  @Option(
    help: ArgumentHelp(
      """
      The size that the model takes the picture to have had before it was scaled; a small one asks for a \
      blurred picture. (default: the picture's)
      """, valueName: "WxH"))
  var originalSize: String?

  @Option(
    help: ArgumentHelp(
      """
      Where the model takes the picture to have been cut out; more than 0,0 asks for a subject that is cut \
      off. (default: 0,0)
      """, valueName: "top,left"))
  var crop: String?

  func apply(to request: inout RunRequest) throws {
    request.secondPrompt = secondPrompt
    request.secondNegativePrompt = secondNegativePrompt
    request.originalSize = try originalSize.map { text in
      guard let size = ImageSize(text) else {
        throw Failure(
          .usage, "--original-size is '\(text)'; expected width x height in pixels, as in 1024x768")
      }
      return size
    }
    request.crop = try crop.map { text in
      guard let corner = CropCorner(text) else {
        throw Failure(
          .usage, "--crop is '\(text)'; expected pixels from the top and from the left, as in 0,128"
        )
      }
      return corner
    }
  }
}
