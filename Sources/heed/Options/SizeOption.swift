import ArgumentParser
import Diffusion

/// The picture's size.
struct SizeOption: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Size of the picture in pixels, width x height, multiples of 8, as in 768x512; the grid that the \
      loss reads scales with it. (default: the checkpoint's training size)
      """, valueName: "WxH"))
  var size: String?

  var imageSize: ImageSize? {
    get throws {
      try size.map { text in
        guard let size = ImageSize(text) else {
          throw Failure(
            .usage, "--size is '\(text)'; expected width x height in pixels, as in 768x512")
        }
        return size
      }
    }
  }
}
