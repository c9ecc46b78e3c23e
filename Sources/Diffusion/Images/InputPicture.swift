public import Pictures
internal import TensorEngine

/// A picture file that a run starts from, and how it is fitted to the run's size.
public struct InputPicture: Hashable, Sendable {
  /// How a picture of another size is fitted to the run's size.
  ///
  /// Both are diffusers'. Its third way, which smears the picture's edges over the rest, is left
  /// out: attention to pixels that no photo has explains nothing.
  public enum Fit: String, Sendable, CaseIterable {
    /// All of it is kept, and its aspect ratio changes: diffusers' default.
    case squash
    /// Its aspect ratio is kept, and two sides are cropped.
    case crop
  }

  /// The picture as it is in the file, upright.
  public let photo: Picture
  /// SHA-256 of the file, 64 hexadecimal digits.
  public let sha256: String
  /// Whether the file had transparency, which is ignored.
  package let hadAlpha: Bool
  /// How it is fitted to the run's size.
  public var fit: Fit

  /// The most that one side may be of the other; a picture of one column would be stretched to
  /// gigabytes on its way to a run's size.
  private static let largestRatio = 64

  /// Reads a PNG, JPEG, WebP or GIF file; of an animation, its first frame.
  /// - Throws: `FileError` when there is none, or it is not a picture, damaged or too large.
  public init(_ path: String, fit: Fit = .squash) throws {
    let file = try PictureFile(path, transparency: .dropped)
    let sides = [file.picture.width, file.picture.height].sorted()
    guard sides[1] <= Self.largestRatio * sides[0] else {
      throw FileError(
        .malformed, path: path,
        reason: "\(file.picture.width)x\(file.picture.height) pixels; expected no side more than "
          + "\(Self.largestRatio) times the other")
    }
    (photo, sha256, hadAlpha) = (file.picture, file.sha256, file.hadAlpha)
    self.fit = fit
  }

  /// The picture at a run's size, as the model receives it.
  ///
  /// - Reference: diffusers `image_processor.py`, `resize` with the modes `default` and `crop`.
  public func fitted(to size: ImageSize) -> Picture {
    let (width, height) = (size.width, size.height)
    switch fit {
    case .squash: return photo.resized(width: width, height: height)
    case .crop:
      // The side that is the shorter one for the run's shape fits; the other one stands over.
      let isNarrow = width * photo.height > photo.width * height
      let wide = isNarrow ? width : photo.width * height / photo.height
      let high = isNarrow ? photo.height * width / photo.width : height
      return photo.resized(width: wide, height: high).cropped(
        left: wide / 2 - width / 2, top: high / 2 - height / 2, width: width, height: height)
    }
  }

  /// Whether fitting to that size changes the picture's aspect ratio or crops it.
  package func isAltered(by size: ImageSize) -> Bool {
    size.width * photo.height != photo.width * size.height
  }
}
