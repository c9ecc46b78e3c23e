public import ArgumentParser
public import Diffusion
import Pictures

/// The start picture of a run (image-to-image).
struct PictureOptions: ParsableArguments {
  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      """
      Start from this PNG, JPEG, WebP or GIF picture with noise added (image-to-image). Iterations are counted \
      from the first one that is run, also in the knobs of methods.
      """, valueName: "file"))
  var picture: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How much noise is added to the start picture, 0 to 1: the fraction of the steps that are \
      run. (default: 0.8)
      """))
  var strength: Double?

  @Option(
    help: "How the start picture is fitted to the run's size: squash or crop. (default: squash)")
  var fit: InputPicture.Fit?

  /// The picture, if there is one.
  func read() throws -> StartPicture? {
    guard let picture else {
      for (option, isGiven) in [("--strength", strength != nil), ("--fit", fit != nil)]
      where isGiven {
        throw Failure(.usage, "\(option) needs --init FILE")
      }
      return nil
    }
    if let strength, !(0...1).contains(strength) {
      throw Failure(.usage, "--strength is \(strength); expected 0 to 1")
    }
    return try StartPicture(picture, fit: fit ?? .squash, strength: strength ?? 0.8)
  }
}

extension InputPicture.Fit: ExpressibleByArgument {}
