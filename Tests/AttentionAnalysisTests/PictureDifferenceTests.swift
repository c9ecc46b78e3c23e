import AttentionAnalysis
import Foundation
import Testing

@Suite("Differences of pictures")
struct PictureDifferenceTests {
  /// Two pictures, and what scikit-image makes of them; see Fixtures/make_pictures.py.
  struct Pair: Decodable, Sendable {
    let width: Int
    let first, second: [UInt8]
    let meanAbsolute, peakSignalToNoise, structuralSimilarity: Double
  }

  @Test("They are NumPy's and scikit-image's")
  func goldens() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/pictures.json")
    let pairs = try JSONDecoder().decode([Pair].self, from: Data(contentsOf: file))
    #expect(pairs.count == 4)
    for pair in pairs {
      let difference = PictureDifference(pair.first, pair.second, width: pair.width)
      #expect(abs(difference.meanAbsolute - pair.meanAbsolute) < 1e-9)
      #expect(abs(difference.peakSignalToNoise - pair.peakSignalToNoise) < 1e-9)
      #expect(abs(difference.structuralSimilarity - pair.structuralSimilarity) < 1e-9)
    }
  }

  @Test("The same picture does not differ; one smaller than a window has no similarity")
  func limits() {
    let picture = (0..<8 * 8 * 3).map { UInt8($0 % 251) }
    let same = PictureDifference(picture, picture, width: 8)
    #expect(same.meanAbsolute == 0 && same.peakSignalToNoise == .infinity)
    #expect(abs(same.structuralSimilarity - 1) < 1e-12)
    let small = Array(picture.prefix(6 * 6 * 3))
    #expect(PictureDifference(small, small, width: 6).structuralSimilarity.isNaN)
  }
}
