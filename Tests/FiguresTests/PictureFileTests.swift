import Drawing
import Figures
import Foundation
import Pictures
import TensorEngine
import Testing

@Suite("Picture files")
struct PictureFileTests {
  @Test("What is written is read again", arguments: [(1, 1), (3, 200), (257, 5)])
  func roundTrip(width: Int, height: Int) throws {
    let image = Sample.image(3, width: width, height: height)
    try withFolder { folder in
      let path = folder.appendingPathComponent("a.png").path
      try image.write(to: path, dpi: 300, text: [("Software", "Heed"), ("heed:manifest", "{“é”}")])
      #expect(try Picture.read(path) == image)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
    }
  }

  @Test("Resolution, colour space and provenance are chunks before the pixels")
  func chunks() throws {
    let bytes = try Sample.image(0).encoded(dpi: 300, text: [("heed:manifest", "{\"é\": 1}")])
    // 300 dpi are 11811 pixels a metre; the last four bytes are a CRC as other programs write it.
    let resolution: [UInt8] = [
      0, 0, 0, 9, 0x70, 0x48, 0x59, 0x73, 0, 0, 0x2E, 0x23, 0, 0, 0x2E, 0x23, 1, 0x78, 0xA5, 0x3F,
      0x76,
    ]
    #expect(Array(bytes[33..<54]) == resolution)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains("iTXtheed:manifest\0\0\0\0\0{\"é\": 1}"))
    #expect(text.contains("sRGB"))
    #expect(!text.contains("tIME"))
  }

  @Test("Pixels of other programs' files", arguments: ["rgb", "rgba", "palette", "grey"])
  func otherPrograms(name: String) throws {
    let image = try Picture.read(fixtures.appendingPathComponent("\(name).png").path)
    #expect(image.width == 5 && image.height == 4)
    for row in 0..<4 {
      for column in 0..<5 {
        let start = (row * 5 + column) * 3
        let pixel = Array(image.pixels[start..<(start + 3)]).map(Int.init)
        let expected =
          switch name {
          case "grey": [column * 10, column * 10, column * 10]
          case "rgba" where column == 0: [255, 255, 255]
          default: [column * 10, row * 20, 7]
          }
        #expect(pixel == expected, "row \(row), column \(column)")
      }
    }
  }

  @Test("Transparent colours stay as they are where that is asked for")
  func dropped() throws {
    let path = fixtures.appendingPathComponent("rgba.png").path
    let file = try PictureFile(path, transparency: .dropped)
    #expect(file.hadAlpha && file.format == .png)
    let over = try Picture.read(path)
    #expect(file.picture != over)
    // Only the first column is transparent.
    #expect(Array(file.picture.pixels[3..<15]) == Array(over.pixels[3..<15]))
  }

  @Test("A file cut anywhere is refused in one line")
  func truncated() throws {
    let bytes = try Sample.image(1, width: 20, height: 20).encoded(dpi: 72)
    for count in stride(from: 0, to: bytes.count - 20, by: 7) {
      let error = #expect(throws: FileError.self) {
        try Picture.decode(Array(bytes[..<count]), path: "cut.png")
      }
      #expect(error?.description.hasPrefix("cut.png: ") == true)
      #expect(error?.description.contains("\n") == false)
    }
  }

  @Test("A damaged byte never traps")
  func damaged() throws {
    let bytes = try Sample.image(1, width: 20, height: 20).encoded(dpi: 72)
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 0x81
      _ = try? Picture.decode(damaged, path: "damaged.png")
    }
  }

  @Test("A picture of more than 100 million pixels is refused before it takes memory")
  func enormous() throws {
    // The header of a picture of 100,000 × 100,000 pixels with its CRC, and no pixels.
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    bytes += [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0, 8, 2, 0, 0]
    bytes += [0] + enormousCRC + [0, 0, 0, 0, 0x49, 0x44, 0x41, 0x54, 0x35, 0xAF, 0x06, 0x1E]
    let error = #expect(throws: FileError.self) {
      try Picture.decode(bytes, path: "big.png")
    }
    #expect(error?.description.contains("100000x100000") == true)
  }

  @Test(
    "A chunk that claims two gigabytes takes none, whatever it is",
    arguments: ["eXIf", "iCCP", "iTXt", "tEXt", "zTXt", "sPLT", "heEd"])
  func enormousChunk(_ type: String) throws {
    var bytes = try Sample.image(0).encoded()
    bytes.insert(contentsOf: [0x7F, 0xFF, 0xFF, 0xFF] + Array(type.utf8), at: PNGChunk.endOfHeader)
    let before = try peakOfAddresses()
    let error = #expect(throws: FileError.self) {
      try Picture.decode(bytes, path: "chunk.png")
    }
    #expect(error?.description.contains("the file ends early") == true)
    #expect(try peakOfAddresses() - before < 1 << 30)
  }

  /// The most bytes of addresses that this process had; it counts what was never written to.
  private func peakOfAddresses() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") })
    return 1024 * (try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])))
  }

  private let enormousCRC: [UInt8] = [0x27, 0x30, 0x9C, 0x9F]

  @Test("A link is written through, not replaced")
  func link() throws {
    try withFolder { folder in
      let target = folder.appendingPathComponent("target.png").path
      let link = folder.appendingPathComponent("link.png").path
      try Sample.image(0).write(to: target)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      try Sample.image(5).write(to: link)
      #expect(try Picture.read(target) == Sample.image(5))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    }
  }

  @Test("A path that is no file, or cannot be written, is named")
  func paths() throws {
    try withFolder { folder in
      #expect(throws: FileError.self) { try Picture.read(folder.path) }
      let missing = folder.appendingPathComponent("missing.png").path
      let error = #expect(throws: FileError.self) { try Picture.read(missing) }
      #expect(error?.description == "\(missing): cannot open: No such file or directory (errno 2)")
      let nowhere = folder.appendingPathComponent("no/where.png").path
      #expect(throws: FileError.self) { try Sample.image(0).write(to: nowhere) }
      #expect(throws: FileError.self) { try Sample.image(0).write(to: folder.path) }
      let full = #expect(throws: FileError.self) { try Sample.image(0).write(to: "/dev/full") }
      #expect(full?.kind == .diskFull && full?.path == "/dev/full")
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty)
    }
  }
}
