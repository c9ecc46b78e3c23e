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
      first that is made, in Attend-and-Excite's options too.
      """, valueName: "file"))
  var picture: String?

  @Option(
    parsing: .unconditional,
    help: "How far that picture is noised, 0 to 1: the share of the steps that is made (0.8).")
  var strength: Double?

  @Option(
    help: "How that picture is brought to the run's shape: squash or crop (squash).")
  var fit: InputPicture.Fit?

  /// Reads the picture, if there is one.
  func read() throws -> InputPicture? {
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
    return try InputPicture(picture, fit: fit ?? .squash)
  }

  /// The request with the picture that was read.
  func applied(_ picture: InputPicture?, to request: GenerationRequest) -> GenerationRequest {
    var request = request
    request.picture = picture
    if let strength { request.strength = strength }
    return request
  }
}

extension InputPicture.Fit: ExpressibleByArgument {}

extension Message {
  /// Says what of a picture the model is not shown as it is.
  static func picture(_ picture: InputPicture, _ path: String, _ size: ImageSize) {
    if picture.hadAlpha { warning("\(path): transparency is dropped, as diffusers does") }
    guard picture.isAltered(by: size) else { return }
    let shape = "\(path): \(picture.photo.width)x\(picture.photo.height) pixels, "
    switch picture.fit {
    case .squash:
      warning(shape + "squashed to \(size); --fit crop keeps its shape")
    case .crop:
      warning(shape + "what stands over \(size) is cut off; --fit squash keeps it all")
    }
  }
}
