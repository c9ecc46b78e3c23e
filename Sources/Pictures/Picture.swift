package import TensorEngine

/// A picture of 8-bit sRGB pixels.
public struct Picture: Hashable, Sendable {
  /// What becomes of transparency.
  public enum Transparency: Sendable {
    /// Colours stay as they are in the file, however transparent they are: what models are shown.
    case dropped
    /// Colours are mixed with white, as on paper.
    case overWhite
  }

  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int
  /// `[row, column, red | green | blue]` the samples, 0…255.
  public let pixels: [UInt8]

  /// Makes a picture of its samples.
  /// - Precondition: `pixels` has `height` × `width` × 3 samples, and there is at least one pixel.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    guard width > 0 && height > 0 && pixels.count == width * height * 3 else {
      bug("\(pixels.count) samples for \(width) × \(height) pixels of 3")
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads the PNG, JPEG, WebP or GIF file at `path`, upright, by its Exif orientation; of an animation, its
  /// first frame.
  /// - Throws: `FileError` when there is none, or it is none of these, damaged or too large.
  public static func read(
    _ path: String, transparency: Transparency = .overWhite
  ) throws -> Picture {
    try PictureFile(path, transparency: transparency).picture
  }

  /// The same for a picture in a folder that no symbolic link may lead out of.
  package static func read(_ path: String, within root: String) throws -> Picture {
    try PictureFile(path, within: root, transparency: .overWhite).picture
  }

  /// The picture at another size, as Pillow's `resize`.
  package func resized(
    width newWidth: Int, height newHeight: Int, by filter: PillowResampling.Filter = .lanczos
  ) -> Picture {
    Picture(
      width: newWidth, height: newHeight,
      pixels: PillowResampling.resized(
        pixels, from: (width, height), to: (newWidth, newHeight), by: filter))
  }

  /// The part of the picture from a corner on.
  /// - Precondition: the part is not empty, and lies within the picture.
  package func cropped(left: Int, top: Int, width: Int, height: Int) -> Picture {
    var part: [UInt8] = []
    part.reserveCapacity(3 * width * height)
    for row in top..<top + height {
      let start = 3 * (row * self.width + left)
      part += pixels[start..<start + 3 * width]
    }
    return Picture(width: width, height: height, pixels: part)
  }
}
