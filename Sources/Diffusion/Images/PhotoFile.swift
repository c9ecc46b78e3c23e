private import CPictures
internal import TensorEngine

/// A PNG or JPEG file as a picture, the way diffusers' `load_image` reads one with Pillow.
///
/// Grey and palettes become RGB; transparency is dropped, not laid over a colour; colour profiles
/// and gamma are passed over; the Exif orientation is applied. Of 16-bit samples the upper byte is
/// kept, as Pillow does with colour; it clips 16-bit grey at 255, which leaves a white picture.
///
/// Limitations: no CMYK; an orientation is read from Exif alone, not from XMP.
///
/// - Reference: diffusers `utils/loading_utils.py`, `load_image`; Pillow `ImageOps.exif_transpose`.
struct PhotoFile {
  /// The most pixels that are read; a file of a few kilobytes can claim any number of them.
  static let pixelLimit = 100_000_000

  /// The picture, upright.
  let photo: Photo
  /// SHA-256 of the file, 64 hexadecimal digits.
  let sha256: String
  /// Whether transparency was dropped.
  let hadAlpha: Bool

  /// Reads the file at `path`.
  /// - Throws: `FileError` when there is none, it is neither PNG nor JPEG, is damaged or cut off, or
  ///   has more than ``pixelLimit`` pixels.
  init(_ path: String) throws {
    let file = try MappedFile(path: path)
    sha256 = SHA256.digest(of: file)
    (photo, hadAlpha) = try file.withBytes { bytes in
      guard let format = Format.allCases.first(where: { bytes.starts(with: $0.signature) }) else {
        throw FileError(
          .malformed, path: path, reason: "not a PNG or JPEG picture; convert it to one")
      }
      let (photo, hadAlpha) = try Self.decode(bytes, format, path)
      let orientation = ExifOrientation(in: bytes, format)
      return (orientation.map(photo.turned) ?? photo, hadAlpha)
    }
  }

  /// The kinds of file that are read.
  enum Format: String, CaseIterable {
    case png = "PNG"
    case jpeg = "JPEG"

    /// What a file begins with.
    var signature: [UInt8] {
      switch self {
      case .png: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      case .jpeg: [0xFF, 0xD8, 0xFF]
      }
    }

    /// Reads the header, and the pixels if there is room for them; the reason if that fails.
    fileprivate func read(
      _ bytes: UnsafeRawBufferPointer, _ header: inout cpictures_header,
      into pixels: UnsafeMutablePointer<UInt8>?
    ) -> String? {
      var message = [CChar](repeating: 0, count: Int(CPICTURES_MESSAGE))
      let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
      let status =
        switch self {
        case .png: cpictures_png(start, bytes.count, &header, pixels, &message)
        case .jpeg: cpictures_jpeg(start, bytes.count, &header, pixels, &message)
        }
      guard status != 0 else { return nil }
      return String(
        decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }

  private static func decode(
    _ bytes: UnsafeRawBufferPointer, _ format: Format, _ path: String
  ) throws -> (Photo, hadAlpha: Bool) {
    func failure(_ reason: String) -> FileError {
      FileError(
        .malformed, path: path,
        reason: "not a \(format.rawValue) picture that can be read: \(reason)")
    }
    var header = cpictures_header()
    if let reason = format.read(bytes, &header, into: nil) { throw failure(reason) }
    let (width, height) = (Int(header.width), Int(header.height))
    guard width > 0, height > 0, width * height <= pixelLimit else {
      throw failure("\(width)x\(height) pixels; at most \(pixelLimit) pixels are read")
    }
    var reason: String?
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { buffer, count in
      reason = format.read(bytes, &header, into: buffer.baseAddress)
      count = reason == nil ? buffer.count : 0
    }
    if let reason { throw failure(reason) }
    return (Photo(width: width, height: height, pixels: pixels), header.has_alpha != 0)
  }
}
