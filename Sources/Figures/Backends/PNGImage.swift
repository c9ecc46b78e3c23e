internal import CPNG
internal import Foundation
internal import TensorEngine

/// A picture of 8-bit sRGB pixels, read from or written as a PNG file.
public struct PNGImage: Hashable, Sendable {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int
  /// `[row, column, red | green | blue]` the samples, 0…255.
  public let pixels: [UInt8]

  /// The most pixels that are read.
  public static let pixelLimit = 100_000_000

  /// Makes a picture of its samples.
  /// - Precondition: `pixels` has `height` × `width` × 3 samples, and there is at least one pixel.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height * 3,
      "\(pixels.count) samples for \(width) × \(height) pixels of 3")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads the PNG file at `path`; transparency is laid over white.
  /// - Throws: `FileError` if the file cannot be read; ``FigureError`` if it is no PNG, is damaged, or has
  ///   more than ``pixelLimit`` pixels.
  public static func read(_ path: String) throws -> PNGImage {
    try unsafe decode(MappedFile(path: path).withBytes { unsafe Array($0) }, path: path)
  }

  /// Reads a PNG file's bytes; transparency is laid over white.
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - path: What errors call it.
  /// - Returns: The picture.
  /// - Throws: ``FigureError/invalidPNG(path:reason:)``.
  public static func decode(_ bytes: [UInt8], path: String) throws -> PNGImage {
    var image = unsafe png_image()
    unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { unsafe png_image_free(&image) }
    guard unsafe png_image_begin_read_from_memory(&image, bytes, bytes.count) != 0 else {
      throw unsafe FigureError.invalidPNG(path: path, reason: message(of: image))
    }
    let (width, height) = unsafe (Int(image.width), Int(image.height))
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count > 0, count <= pixelLimit else {
      throw FigureError.invalidPNG(
        path: path,
        reason: "\(width) × \(height) pixels; at most \(pixelLimit) pixels are read")
    }
    unsafe image.format = png_uint_32(PNG_FORMAT_RGB)
    var pixels = [UInt8](repeating: 255, count: count * 3)
    guard unsafe png_image_finish_read(&image, nil, &pixels, Int32(width * 3), nil) != 0 else {
      throw unsafe FigureError.invalidPNG(path: path, reason: message(of: image))
    }
    return PNGImage(width: width, height: height, pixels: pixels)
  }

  /// Writes the picture to `path`; the file appears whole or not at all.
  /// - Parameters:
  ///   - path: Where to; a file that is there is replaced.
  ///   - dpi: Pixels an inch to note in the file; `nil` for none.
  ///   - text: Keywords and their UTF-8 texts, such as `Software`; keywords of 1…79 Latin letters.
  /// - Throws: `FileError` if the file cannot be written.
  public func write(
    to path: String, dpi: Double? = nil, text: [(keyword: String, text: String)] = []
  ) throws {
    try writeAtomically(encoded(dpi: dpi, text: text), to: path)
  }

  /// The bytes of a PNG file with sRGB, pHYs and iTXt chunks; the same picture gives the same
  /// bytes.
  /// - Parameters:
  ///   - dpi: Pixels an inch to note in the file; `nil` for none.
  ///   - text: Keywords and their UTF-8 texts; keywords of 1…79 Latin letters.
  /// - Returns: The whole file.
  /// - Throws: ``FigureError/drawing(_:)`` if libpng gives up.
  public func encoded(
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
    else { throw FigureError.drawing(unsafe "libpng: \(Self.message(of: image))") }
    bytes.removeLast(bytes.count - Int(size))
    var chunks: [UInt8] = []
    if let dpi { chunks += PNGChunk.resolution(dpi: dpi) }
    for (keyword, text) in text { chunks += PNGChunk.text(keyword: keyword, text) }
    bytes.insert(contentsOf: chunks, at: PNGChunk.endOfHeader)
    return bytes
  }

  /// The picture as a `data:` address of a PNG file.
  /// - Throws: ``FigureError/drawing(_:)`` if libpng gives up.
  var dataURI: String {
    get throws { Self.dataURI(of: try encoded()) }
  }

  /// The `data:` address of a PNG file's bytes.
  static func dataURI(of file: [UInt8]) -> String {
    "data:image/png;base64," + Data(file).base64EncodedString()
  }

  private static func message(of image: png_image) -> String {
    let text = unsafe withUnsafeBytes(of: image.message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return text.isEmpty ? "unknown error" : text
  }

  /// 128 bits that tell this picture from others, as hexadecimal digits.
  package var digest: String {
    // FNV-1a from two bases.
    var (first, second): (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x6C62_272E_07BB_0142)
    for byte in pixels {
      first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
      second = (second ^ UInt64(byte ^ 0x5A)) &* 0x100_0000_01B3
    }
    return "\(width)x\(height)-" + String(first, radix: 16) + String(second, radix: 16)
  }

  /// The picture in grey, stretched over the middle of the range so that shapes stand out.
  ///
  /// Each pixel's grey comes from its luma by Rec. 709.
  var grey: PNGImage {
    let lumas = stride(from: 0, to: pixels.count, by: 3).map { index in
      0.2126 * Double(pixels[index]) + 0.7152 * Double(pixels[index + 1])
        + 0.0722 * Double(pixels[index + 2])
    }
    let (least, greatest) = (lumas.min() ?? 0, lumas.max() ?? 0)
    var samples: [UInt8] = []
    samples.reserveCapacity(pixels.count)
    for luma in lumas {
      let fraction = greatest > least ? (luma - least) / (greatest - least) : 0.5
      let grey = UInt8((60 + 140 * fraction).rounded())
      samples.append(grey)
      samples.append(grey)
      samples.append(grey)
    }
    return PNGImage(width: width, height: height, pixels: samples)
  }
}
