import Pictures
import TensorEngine
import Testing

@Suite("JPEG files that are written")
struct JPEGTests {
  /// Soft shades and, in the middle, a square in pure red on pure blue.
  private static func picture(width: Int, height: Int) -> Picture {
    let pixels = (0..<height).flatMap { row in
      (0..<width).flatMap { column -> [UInt8] in
        let isInside = row >= height / 4 && row < height / 2 && column >= width / 4
        if isInside { return column < width / 2 ? [255, 0, 0] : [0, 0, 255] }
        return [UInt8(255 * row / height), UInt8(255 * column / width), 128]
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// The markers before the pixels, each with its content.
  private static func segments(_ file: [UInt8]) -> [(marker: UInt8, content: [UInt8])] {
    var (place, segments) = (2, [(marker: UInt8, content: [UInt8])]())
    while place + 4 <= file.count, file[place] == 0xFF {
      let length = Int(file[place + 2]) << 8 | Int(file[place + 3])
      segments.append((file[place + 1], Array(file[(place + 4)..<(place + 2 + length)])))
      if file[place + 1] == 0xDA { break }
      place += length + 2
    }
    return segments
  }

  @Test(
    "The picture is read again, colours at their edges too",
    arguments: [(301, 200), (1, 1), (16, 3)])
  func roundTrip(width: Int, height: Int) throws {
    let picture = Self.picture(width: width, height: height)
    let read = try Picture.decode(try picture.encodedJPEG(quality: 90), path: "written")
    #expect(read.width == width && read.height == height)
    let errors = zip(read.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }
    #expect(Double(errors.reduce(0, +)) / Double(errors.count) < 5)
    // Half the samples of colour would mix red and blue at their edge.
    #expect(errors.reduce(0, max) < 60, "\(errors.reduce(0, max))")
  }

  @Test("A file holds tables and pixels, no text, and each component in full")
  func segments() throws {
    let file = try Self.picture(width: 64, height: 48).encodedJPEG(quality: 90)
    let segments = Self.segments(file)
    #expect(file.starts(with: [0xFF, 0xD8]) && file.suffix(2) == [0xFF, 0xD9])
    // JFIF's head, quantisation, frame, Huffman, scan.
    #expect(Set(segments.map(\.marker)) == [0xE0, 0xDB, 0xC0, 0xC4, 0xDA])
    let head = try #require(segments.first { $0.marker == 0xE0 })
    #expect(head.content.count == 14 && head.content.starts(with: Array("JFIF\0".utf8)))
    let frame = try #require(segments.first { $0.marker == 0xC0 }).content
    #expect(frame[5] == 3 && [7, 10, 13].allSatisfy { frame[$0] == 0x11 })
  }

  /// ITU-T T.81, Annex K, table K.1.
  private static let lightness = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
  ]

  @Test("Quality scales the standard's table", arguments: [(90, 20), (75, 50), (50, 100)])
  func quality(quality: Int, percent: Int) throws {
    let file = try Self.picture(width: 32, height: 32).encodedJPEG(quality: quality)
    let table = try #require(Self.segments(file).first { $0.marker == 0xDB }).content
    // In zigzag: by diagonals, up and down in turn.
    let order = (0..<64).sorted { first, second in
      func key(_ place: Int) -> (Int, Int) {
        let (row, column) = (place / 8, place % 8)
        return (row + column, (row + column) % 2 == 0 ? column : row)
      }
      return key(first) < key(second)
    }
    let expected = order.map { max(1, (Self.lightness[$0] * percent + 50) / 100) }
    #expect(table.dropFirst().prefix(64).map(Int.init) == expected)
  }

  @Test("A picture that is too wide for JPEG is refused in one line")
  func tooWide() throws {
    let picture = Picture(
      width: 70_000, height: 1, pixels: [UInt8](repeating: 9, count: 210_000))
    let error = #expect(throws: FileError.self) { try picture.encodedJPEG(quality: 90) }
    #expect(error?.description.contains("70000x1") == true)
    #expect(error?.description.contains("\n") == false)
  }
}
