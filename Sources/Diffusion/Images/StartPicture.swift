/// A start picture of a run: its file's hash, and how it is used.
///
/// The hash is what a run depends on; the path only says where the file was when it was last seen.
public struct StartPicture: Hashable, Sendable {
  /// SHA-256 of the file, 64 hexadecimal digits.
  public let sha256: String
  /// How it is fitted to the run's size.
  public var fit: InputPicture.Fit
  /// How much noise is added, in 0…1: the fraction of the steps that are run.
  public var strength: Double
  /// Where the file is; `nil` if that is not known.
  public var path: String?

  /// The picture in a file.
  /// - Throws: `FileError` when there is none, or it is not a picture, damaged or too large.
  public init(
    _ path: String, fit: InputPicture.Fit = .squash, strength: Double = 0.8
  ) throws {
    self.init(sha256: try InputPicture(path).sha256, fit: fit, strength: strength, path: path)
  }

  /// A picture by its hash.
  public init(sha256: String, fit: InputPicture.Fit, strength: Double, path: String? = nil) {
    self.sha256 = sha256
    self.fit = fit
    self.strength = strength
    self.path = path
  }

  /// Reads the picture.
  /// - Throws: ``DiffusionError/moved(what:sha256:path:)`` when the file is not where it was, or
  ///   another one is; `FileError` when it is no picture.
  func read() throws -> InputPicture {
    guard let path, let picture = try? InputPicture(path, fit: fit), picture.sha256 == sha256 else {
      throw DiffusionError.moved(
        what: "the start picture", sha256: sha256, path: path ?? "an unknown place")
    }
    return picture
  }
}
