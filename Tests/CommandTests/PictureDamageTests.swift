import Foundation
import Pictures
import Testing

@Suite("Damaged pictures")
struct PictureDamageTests {
  private static let path = Repository.fixtures + "/import/picture.png"

  private static func whole() throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Decodes it, and says whether it was refused; what is not is the same picture.
  private static func isRefused(_ bytes: [UInt8], expected: Picture, _ what: String) -> Bool {
    guard let picture = try? Picture.decode(bytes, path: "picture.png") else { return true }
    #expect(picture == expected, "\(what)")
    return false
  }

  @Test("A PNG picture that is cut off anywhere is refused, or whole all the same")
  func truncation() throws {
    let whole = try Self.whole()
    let picture = try Picture.decode(whole, path: Self.path)
    let refused = whole.indices.count { length in
      Self.isRefused(Array(whole.prefix(length)), expected: picture, "\(length) bytes")
    }
    // Only the end of the last chunk says nothing of the picture.
    #expect(refused >= whole.count - 12)
    print("bad inputs tried: \(whole.count) generated (PNG, cut off)")
  }

  @Test("A PNG picture with a bit of a header flipped is refused, or the same picture")
  func flippedBits() throws {
    let whole = try Self.whole()
    let picture = try Picture.decode(whole, path: Self.path)
    let data = try #require(whole.firstRange(of: Array("IDAT".utf8)))
    // The compressed pixels have a checksum, which is compared as those of the chunks are.
    let places = Array(0..<data.upperBound + 2) + Array(whole.count - 28..<whole.count)
    var refused = 0
    for place in places {
      for bit in 0..<8 {
        var damaged = whole
        damaged[place] ^= 1 << bit
        refused +=
          Self.isRefused(damaged, expected: picture, "bit \(bit) of byte \(place)") ? 1 : 0
      }
    }
    #expect(refused > places.count * 4)
    print("bad inputs tried: \(places.count * 8) generated (PNG, a bit flipped)")
  }
}
