public import ArgumentParser
public import Diffusion
import Pictures

/// The picture that a run begins from instead of from noise.
struct PictureOptions: ParsableArguments {
  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      """
      Begin from this PNG or JPEG picture, noised, instead of from noise. Iterations count from the \
      first that is made, in the knobs of methods too.
      """, valueName: "file"))
  var picture: String?

  @Option(
    parsing: .unconditional,
    help: "How far that picture is noised, 0 to 1: the share of the steps that is made (default: 0.8).")
  var strength: Double?

  @Option(
    help: "How that picture is brought to the run's shape: squash or crop (default: squash).")
  var fit: InputPicture.Fit?

  /// The picture, if there is one.
  func read() throws -> StartPicture? {
    guard let picture else {
      for (option, isGiven) in [("--strength", strength != nil), ("--fit", fit != nil)]
      where isGiven {
        throw Failure(.usage, "\(option) says how --init FILE is used; there is no --init")
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
