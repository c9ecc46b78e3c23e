import ArgumentParser
import Diffusion

/// The picture's size.
struct SizeOption: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The picture in pixels, as in 768x512: width first, multiples of 8; without it, the size the \
      checkpoint was trained at. The grid that the loss reads scales with it.
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
