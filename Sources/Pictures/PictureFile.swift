private import CPictures
internal import TensorEngine

// Unsafe: libpng, libjpeg, libwebp and giflib are called from C with addresses: of the mapped file, and of room
// for as many samples as its header says.

/// A PNG, JPEG, WebP or GIF file as a picture, the way diffusers' `load_image` reads one with Pillow.
///
/// Grey and palettes become RGB; colour profiles and gamma are skipped; the Exif orientation is
/// applied. Of 16-bit samples the upper byte is kept, as Pillow does with colour; it clips 16-bit grey
/// at 255, which leaves a white picture. Of an animation, the first frame is the picture.
///
/// Limitations: no CMYK; an orientation is read from Exif alone, not from XMP.
///
/// - Reference: diffusers `utils/loading_utils.py`, `load_image`; Pillow `ImageOps.exif_transpose`.
package struct PictureFile: Sendable {
  /// The kinds of file that are read.
  package enum Format: String, CaseIterable, Sendable {
    case png = "PNG"
    case jpeg = "JPEG"
    case webp = "WebP"
    case gif = "GIF"

    /// Whether a file begins as one of this kind.
    fileprivate func begins(_ bytes: UnsafeRawBufferPointer) -> Bool {
      switch self {
      case .png: unsafe bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
      case .jpeg: unsafe bytes.starts(with: [0xFF, 0xD8, 0xFF])
      case .webp:
        unsafe bytes.starts(with: Array("RIFF".utf8))
          && bytes.dropFirst(8).starts(with: Array("WEBP".utf8))
      case .gif:
        unsafe bytes.starts(with: Array("GIF87a".utf8)) || bytes.starts(with: Array("GIF89a".utf8))
      }
    }
  }

  /// The picture, upright.
  package let picture: Picture
  /// The kind of file.
  package let format: Format
  /// Whether some of the file's pixels may be transparent.
  package let hadAlpha: Bool
  private let file: MappedFile

  /// Reads the file at `path`.
  /// - Parameter root: a folder that `path` begins with, and that no symbolic link may lead out of.
  /// - Throws: `FileError` when there is none, it is none of these kinds, is damaged or cut off, or
  ///   has more pixels than `FileLimit.pixels`, which a file of a few kilobytes can claim.
  package init(
    _ path: String, within root: String? = nil, transparency: Picture.Transparency
  ) throws {
    let file = try MappedFile(path: path, within: root)
    self.file = file
    (picture, format, hadAlpha) = try unsafe file.withBytes {
      try unsafe Self.decode($0, path, transparency)
    }
  }

  /// SHA-256 of the file, 64 hexadecimal digits.
  package var sha256: String { SHA256.digest(of: file) }

  /// The file as it is.
  package var bytes: [UInt8] { unsafe file.withBytes { unsafe [UInt8]($0) } }
}

// MARK: - Decoding

extension Picture {
  /// Reads a file's bytes; `path` is what errors call it.
  /// - Throws: `FileError`.
  package static func decode(
    _ bytes: [UInt8], path: String, transparency: Picture.Transparency = .overWhite
  ) throws -> Picture {
    try unsafe bytes.withUnsafeBytes { try unsafe PictureFile.decode($0, path, transparency) }
      .picture
  }
}

extension PictureFile {
  fileprivate static func decode(
    _ bytes: UnsafeRawBufferPointer, _ path: String, _ transparency: Picture.Transparency
  ) throws -> (picture: Picture, format: Format, hadAlpha: Bool) {
    guard let format = Format.allCases.first(where: { unsafe $0.begins(bytes) })
    else {
      throw FileError(
        .malformed, path: path, reason: "not a PNG, JPEG, WebP or GIF picture; convert it to one")
    }
    func failure(_ reason: String) -> FileError {
      FileError(
        .malformed, path: path,
        reason: "not a \(format.rawValue) picture that can be read: \(reason)")
    }
    var header = cpictures_header()
    if let reason = unsafe format.read(bytes, &header, into: nil) { throw failure(reason) }
    let (width, height) = (Int(header.width), Int(header.height))
    let limit = FileLimit.pixels.value
    guard width > 0, height > 0, width * height <= limit else {
      throw failure(
        "\(width)x\(height) pixels; at most \(limit) pixels are read" + FileLimit.pixels.advice)
    }
    var reason: String?
    let hadAlpha = header.has_alpha != 0
    let samples = (hadAlpha ? 4 : 3) * width * height
    var pixels = unsafe [UInt8](unsafeUninitializedCapacity: samples) { buffer, count in
      reason = unsafe format.read(bytes, &header, into: buffer.baseAddress)
      count = reason == nil ? buffer.count : 0
    }
    if let reason { throw failure(reason) }
    if hadAlpha { pixels = opaque(pixels, transparency) }
    let picture = Picture(width: width, height: height, pixels: pixels)
    let orientation = unsafe ExifOrientation(in: bytes, format)
    return (orientation.map(picture.turned) ?? picture, format, hadAlpha)
  }

  /// Three samples of each four.
  private static func opaque(_ samples: [UInt8], _ transparency: Picture.Transparency) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: samples.count / 4 * 3) { buffer, count in
      for pixel in 0..<samples.count / 4 {
        let alpha = Int(samples[4 * pixel + 3])
        for channel in 0..<3 {
          let sample = samples[4 * pixel + channel]
          unsafe buffer[3 * pixel + channel] =
            switch transparency {
            case .dropped: sample
            case .overWhite: UInt8((Int(sample) * alpha + 255 * (255 - alpha) + 127) / 255)
            }
        }
      }
      count = samples.count / 4 * 3
    }
  }
}

extension PictureFile.Format {
  /// Reads the header, and the pixels if there is room for them; the reason if that fails.
  fileprivate func read(
    _ bytes: UnsafeRawBufferPointer, _ header: inout cpictures_header,
    into pixels: UnsafeMutablePointer<UInt8>?
  ) -> String? {
    var message = [CChar](repeating: 0, count: Int(CPICTURES_MESSAGE))
    let start = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    let status =
      switch self {
      case .png: unsafe cpictures_png(start, bytes.count, &header, pixels, &message)
      case .jpeg: unsafe cpictures_jpeg(start, bytes.count, &header, pixels, &message)
      case .webp: unsafe cpictures_webp(start, bytes.count, &header, pixels, &message)
      case .gif: unsafe cpictures_gif(start, bytes.count, &header, pixels, &message)
      }
    guard status != 0 else { return nil }
    return String(
      decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
