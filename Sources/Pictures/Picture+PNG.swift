private import CPNG
internal import TensorEngine

// Unsafe: libpng writes to addresses: of an array with the room that a PNG file of this size can
// take.

extension Picture {
  /// Writes the picture to `path`; the file appears whole or not at all.
  /// - Parameters:
  ///   - path: Where to; a file that is there is replaced.
  ///   - dpi: Pixels an inch to note in the file; `nil` for none.
  ///   - text: Keywords and their UTF-8 texts, such as `Software`; keywords of 1…79 Latin letters.
  /// - Throws: `FileError`.
  public func write(
    to path: String, dpi: Double? = nil, text: [(keyword: String, text: String)] = []
  ) throws {
    try writeAtomically(encoded(dpi: dpi, text: text), to: path, throughLinks: true)
  }

  /// The bytes of a PNG file with sRGB, pHYs and iTXt chunks; the same picture gives the same
  /// bytes.
  /// - Parameters:
  ///   - dpi: Pixels an inch to note in the file; `nil` for none.
  ///   - text: Keywords and their UTF-8 texts; keywords of 1…79 Latin letters.
  /// - Returns: The whole file.
  /// - Throws: `FileError` if libpng gives up, as on a side of more than a million pixels.
  package func encoded(
    dpi: Double? = nil, text: [(keyword: String, text: String)] = []
  ) throws -> [UInt8] {
    var image = unsafe png_image()
    unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
    unsafe image.width = png_uint_32(width)
    unsafe image.height = png_uint_32(height)
    unsafe image.format = png_uint_32(PNG_FORMAT_RGB)
    // Unfiltered rows at deflate level 3: half the time on flat figures, and no larger.
    unsafe image.flags = png_uint_32(PNG_IMAGE_FLAG_FAST)
    defer { unsafe png_image_free(&image) }
    let room = height * (width * 3 + 1)
    var size = png_alloc_size_t(room + room / 1000 + 65_536)
    var bytes = [UInt8](repeating: 0, count: size)
    guard
      unsafe png_image_write_to_memory(&image, &bytes, &size, 0, pixels, Int32(width * 3), nil) != 0
    else {
      throw FileError(
        .unsupported, path: "PNG file",
        reason: unsafe "\(width)x\(height) pixels: \(Self.message(of: image))")
    }
    bytes.removeLast(bytes.count - Int(size))
    var chunks: [UInt8] = []
    if let dpi { chunks += PNGChunk.resolution(dpi: dpi) }
    for (keyword, text) in text { chunks += PNGChunk.text(keyword: keyword, text) }
    bytes.insert(contentsOf: chunks, at: PNGChunk.endOfHeader)
    return bytes
  }

  private static func message(of image: png_image) -> String {
    let text = unsafe withUnsafeBytes(of: image.message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return text.isEmpty ? "unknown error" : text
  }
}
