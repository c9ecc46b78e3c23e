import Pictures
import TensorEngine

/// Pictures by others.
enum PictureInput {
  /// A PNG file with the checksums that its chunks should have: no search finds those.
  static func png(_ input: [UInt8]) throws {
    var file = input
    var place = 8
    while place + 12 <= file.count {
      let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - place - 12 else { break }
      let end = place + 8 + length
      let checksum = CRC32.checksum(of: Array(file[place + 4..<end]))
      file.replaceSubrange(end..<end + 4, with: PNGChunk.bigEndian(checksum))
      place = end + 4
    }
    try other(file)
  }

  static func other(_ input: [UInt8]) throws {
    _ = try Picture.decode(input, path: "input")
  }
}
