import Diffusion
import Foundation
import Pictures
import TensorEngine
import TestSupport
import Testing

/// Picture files and their sizes, against Pillow and diffusers; made by `make_image_goldens.py`.
@Suite("Pictures")
struct PhotoTests {
  static let folder = TemporaryCheckpoint.fixtures + "/images"

  static func golden(_ file: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: folder + "/" + file)
  }

  static let files = (try? golden("files.safetensors").names.sorted()) ?? []
  static let sizes =
    (try? golden("resized.safetensors").names.filter { $0.contains("x") && !$0.contains("pix") })
    ?? []

  @Test("The goldens are there")
  func goldensAreThere() {
    #expect(Self.files.count == 35)
    #expect(Self.sizes.count == 20)
  }

  @Test("A file's pixels are those that diffusers reads", arguments: files)
  func pixels(_ name: String) throws {
    let expected = try Self.golden("files.safetensors")
    let picture = try InputPicture(Self.folder + "/" + name)
    let shape = try #require(expected.entry(name)).shape
    #expect([picture.photo.height, picture.photo.width, 3] == shape)
    #expect(picture.photo.pixels.map(Int.init) == (try expected.integers(name)))
    let isTransparent = name.contains("rgba") || name.contains("alpha") || name.contains("transp")
    #expect(picture.hadAlpha == isTransparent)
    #expect(picture.sha256.count == 64)
  }

  static let webFiles = (try? golden("web/files.safetensors").names.sorted()) ?? []

  @Test("A WebP or GIF file's pixels are those that diffusers reads, of animations the first frame")
  func webPictures() throws {
    #expect(Self.webFiles.count == 20)
    let expected = try Self.golden("web/files.safetensors")
    for name in Self.webFiles {
      let picture = try InputPicture(Self.folder + "/web/" + name)
      let shape = try #require(expected.entry(name)).shape
      #expect([picture.photo.height, picture.photo.width, 3] == shape, "\(name)")
      #expect(picture.photo.pixels.map(Int.init) == (try expected.integers(name)), "\(name)")
      #expect(picture.hadAlpha == (name.contains("rgba") || name.contains("alpha")), "\(name)")
    }
  }

  @Test("A picture at another size is Pillow's to the bit, squashed and cropped", arguments: sizes)
  func resized(_ name: String) throws {
    let expected = try Self.golden("resized.safetensors")
    let parts = name.split(separator: ".")
    let sides = parts[1].split(separator: "x").compactMap { Int($0) }
    let fit = try #require(InputPicture.Fit(rawValue: String(parts[0])))
    let picture = try InputPicture(Self.folder + "/photo.png", fit: fit)
    let size = ImageSize(width: sides[0], height: sides[1])
    let photo = picture.fitted(to: size)
    #expect(photo.width == sides[0] && photo.height == sides[1])
    #expect(photo.pixels.map(Int.init) == (try expected.integers(name)))
    let isAltered = sides[0] * 90 != sides[1] * 120
    #expect(picture.isAltered(by: size) == isAltered)
  }

  @Test("The autoencoder is given what diffusers' processor gives it")
  func tensor() throws {
    let expected = try Self.golden("resized.safetensors")
    let bytes = try expected.integers("tensor.pixels").map(UInt8.init)
    let tensor = Picture(width: 8, height: 8, pixels: bytes).tensor
    let golden = try expected.tensor("tensor")
    #expect(tensor.shape == [1] + golden.shape)
    #expect(tensor.values == golden.values)
  }
}

@Suite("Pictures that cannot be read")
struct BadPhotoTests {
  private func expectRefusal(
    _ bytes: [UInt8], _ kind: FileError.Kind = .malformed, _ words: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/picture"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: FileError.self, sourceLocation: sourceLocation) {
      try InputPicture(path)
    }
    #expect(error?.kind == kind, sourceLocation: sourceLocation)
    let line = error?.description ?? ""
    #expect(line.hasPrefix(path) && !line.contains("\n"), sourceLocation: sourceLocation)
    for word in words { #expect(line.contains(word), "\(line)", sourceLocation: sourceLocation) }
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: PhotoTests.folder + "/" + name)))
  }

  @Test("What is no picture that is read is refused")
  func otherFiles() throws {
    try expectRefusal([], .malformed, ["empty"])
    for content in ["GIF", "BM", "RIFF....WAVE", "<svg/>", "\u{89}PNG", "text"] {
      try expectRefusal(
        Array(content.utf8), .malformed, ["not a PNG, JPEG, WebP or GIF", "convert"])
    }
    for path in [PhotoTests.folder, PhotoTests.folder + "/nothing.png", "/dev/null"] {
      let error = #expect(throws: FileError.self) { try InputPicture(path) }
      #expect(error?.kind == (path.hasSuffix("nothing.png") ? .missing : .unreadable))
    }
  }

  @Test(
    "A file that is cut anywhere is refused",
    arguments: [
      "rgb-interlaced.png", "palette-4.png", "420.jpg", "progressive.jpg", "grey.jpg",
      "web/lossy.webp", "web/rgba-lossless.webp", "web/interlaced.gif", "web/alpha-inside.gif",
    ])
  func cut(_ name: String) throws {
    let whole = try bytes(name)
    for count in stride(from: 0, to: whole.count - 3, by: 5) {
      try expectRefusal(Array(whole[..<count]))
    }
  }

  @Test(
    "A damaged byte never ends the process",
    arguments: [
      "rgb-interlaced.png", "rgb-turned.png", "turned-6.jpg", "progressive.jpg",
      "web/turned-6.webp",
      "web/rgba-animated.webp", "web/interlaced.gif", "web/animated.gif",
    ])
  func damaged(_ name: String) throws {
    let whole = try bytes(name)
    let folder = try TemporaryFolder()
    let path = folder.path + "/picture"
    for position in whole.indices {
      var damaged = whole
      damaged[position] ^= UInt8(1 << (position % 8))
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      _ = try? InputPicture(path)
    }
  }

  @Test("A WebP or GIF file of enormous sides is refused before it takes memory")
  func enormousSides() throws {
    // Lossless WebP's header and GIF's, of 16384 and 65535 pixels a side.
    let webp: [UInt8] =
      Array("RIFF".utf8) + [30, 0, 0, 0] + Array("WEBPVP8L".utf8) + [18, 0, 0, 0, 0x2F]
      + [0xFF, 0xFF, 0xFF, 0x0F] + [UInt8](repeating: 0, count: 13)
    try expectRefusal(webp, .malformed, ["16384x16384", "at most"])
    let gif: [UInt8] =
      Array("GIF89a".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0] + [0x2C, 0, 0, 0, 0]
      + [0xFF, 0xFF, 0xFF, 0xFF, 0, 8, 0, 0x3B]
    try expectRefusal(gif, .malformed, ["65535x65535", "at most"])
  }

  @Test("A chunk whose checksum is wrong is refused")
  func checksum() throws {
    var png = try bytes("rgb-8.png")
    let data = try #require(png.firstRange(of: Array("IDAT".utf8)))
    png[data.upperBound + 12] ^= 0x40
    try expectRefusal(png, .malformed, ["not a PNG picture that can be read"])
  }

  @Test("Four colours of ink are refused, and the message says what to do")
  func ink() throws {
    try expectRefusal(try bytes("cmyk.jpg"), .malformed, ["CMYK", "convert it"])
  }

  @Test("More pixels than can be read are refused before they take memory")
  func enormous() throws {
    // A header of 100,000 × 100,000 pixels with its CRC, and the start of some data.
    var png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    png += [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0, 8, 2, 0, 0]
    png += [0, 0x27, 0x30, 0x9C, 0x9F, 0, 0, 0, 0, 0x49, 0x44, 0x41, 0x54, 0x35, 0xAF, 0x06, 0x1E]
    try expectRefusal(png, .malformed, ["100000x100000", "at most 100000000"])
    var jpeg = try bytes("420.jpg")
    let frame = try #require(jpeg.firstRange(of: [0xFF, 0xC0]))
    jpeg.replaceSubrange(frame.upperBound + 3..<frame.upperBound + 7, with: [0xFF, 0, 0xFF, 0])
    try expectRefusal(jpeg, .malformed, ["65280x65280", "at most 100000000"])
  }

  @Test("A picture that is next to a line is refused")
  func line() throws {
    let folder = try TemporaryFolder()
    // The header of a grey picture of 1 × 65 pixels, and its 65 rows of a filter byte and a sample.
    let png = Self.grey(width: 1, height: 65)
    let path = folder.path + "/line.png"
    try Data(png).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: FileError.self) { try InputPicture(path) }
    #expect(error?.description.contains("64 times") == true)
    let square = ImageSize(width: 8, height: 8)
    try Data(Self.grey(width: 1, height: 64)).write(to: URL(fileURLWithPath: path))
    #expect(try InputPicture(path, fit: .crop).fitted(to: square).pixels.count == 192)
  }

  /// A black PNG in one stored deflate block.
  private static func grey(width: Int, height: Int) -> [UInt8] {
    func big(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 0xFF) } }
    func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
      var crc: UInt32 = ~0
      for byte in Array(kind.utf8) + content {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
      }
      return big(content.count) + Array(kind.utf8) + content + big(Int(~crc))
    }
    let count = height * (width + 1)
    let (low, high) = (UInt8(count & 0xFF), UInt8(count >> 8))
    // Adler-32 of zeros: the sum of their positions' ones is their number.
    let block = [0x78, 0x01, 0x01, low, high, ~low, ~high] + [UInt8](repeating: 0, count: count)
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", big(width) + big(height) + [8, 0, 0, 0, 0])
      + chunk("IDAT", block + big(count << 16 | 1)) + chunk("IEND", [])
  }
}
