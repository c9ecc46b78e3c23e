import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation
import Pictures
import Testing

@Suite("Maps over pictures")
struct OverlayTests {
  /// What torch, Pillow and OpenCV make of a map; see Fixtures/make_overlays.py.
  private struct Golden: Decodable {
    let rows: Int
    let columns: Int
    let values: [Float]
    let bilinear: [Float]
    let bicubic: [Float]
    let jet: [UInt8]

    var map: AttentionMap { AttentionMap(grid: Grid(rows: rows, columns: columns), values: values) }
  }

  private func golden() throws -> Golden {
    let data = try Data(contentsOf: fixtures.appendingPathComponent("overlays.json"))
    return try JSONDecoder().decode(Golden.self, from: data)
  }

  @Test("Values between cells are torch's, held within the map's own range")
  func interpolation() throws {
    let golden = try golden()
    for (interpolation, expected) in [
      (Recipe.Interpolation.bilinear, golden.bilinear), (.bicubic, golden.bicubic),
    ] {
      let fine = golden.map.enlarged(by: 5, interpolation)
      #expect((fine.grid.rows, fine.grid.columns) == (15, 20))
      for (value, other) in zip(fine.values, expected) { #expect(abs(value - other) < 2e-6) }
    }
    #expect(golden.map.enlarged(by: 5, .nearest) == golden.map)
  }

  @Test("Jet is OpenCV's, colour for colour")
  func jet() throws {
    let colors = ColorMap.jet.colors.flatMap { [$0.red, $0.green, $0.blue] }
    #expect(try colors == golden().jet)
  }

  @Test(
    "The published look is the published code's, with and without its exchange of red and blue",
    arguments: [("plain", false), ("swapped", true)])
  func publishedLook(name: String, swaps: Bool) throws {
    let picture = try Picture.read(fixtures.appendingPathComponent("overlay-picture.png").path)
    let expected = try Picture.read(fixtures.appendingPathComponent("overlay-\(name).png").path)
    let image = PublishedOverlay(swapsRedAndBlue: swaps).image(try golden().map, over: picture)
    #expect((image.width, image.height) == (expected.width, expected.height))
    // Truncation to bytes turns a rounding of the last bit into a step.
    let differences = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
    #expect((differences.max() ?? 0) <= 2)
    #expect(differences.count { $0 > 0 } < differences.count / 50)
  }

  @Test("A map without contrast and a picture of one colour stay finite in the published look")
  func flatPublishedLook() {
    let map = AttentionMap(grid: Grid(rows: 2, columns: 2), values: [0.5, 0.5, 0.5, .nan])
    let black = Picture(width: 1, height: 1, pixels: [0, 0, 0])
    #expect(PublishedOverlay(swapsRedAndBlue: false).image(map, over: black).width == 32)
  }

  @Test("Alpha is the picture where attention is nothing and the colour where it is most")
  func alpha() {
    let map = AttentionMap(grid: Grid(rows: 1, columns: 3), values: [0, 0.5, 1])
    let grey = Picture(width: 3, height: 1, pixels: [90, 90, 90, 90, 90, 90, 90, 90, 90])
    let scale = ValueScale(covering: [map])
    let image = MapRaster(map: map, scale: scale, style: MapStyle(overlay: .alpha))
      .blended(over: grey)
    let (middle, last) = (ColorMap.magma.color(at: 0.5), ColorMap.magma.color(at: 1))
    #expect(Array(image.pixels[0..<3]) == [90, 90, 90])
    #expect(image.pixels[3] == UInt8(((90 + Double(middle.red)) / 2).rounded()))
    #expect(Array(image.pixels[6..<9]) == [last.red, last.green, last.blue])
  }

  @Test("Dim keeps the share of a picture's brightness that a value has of the scale")
  func dim() {
    let map = AttentionMap(grid: Grid(rows: 1, columns: 2), values: [0.25, 1])
    let picture = Picture(width: 2, height: 1, pixels: [200, 100, 40, 200, 100, 40])
    let image = MapRaster(
      map: map, scale: ValueScale(covering: [map]), style: MapStyle(overlay: .dim)
    ).dimming(picture)
    #expect(image.pixels == [50, 25, 10, 200, 100, 40])
  }

  @Test("Contours lie where the map, straight between cells, has their value", arguments: 0..<20)
  func contours(seed: Int) {
    var generator = SplitMix(state: UInt64(seed))
    let map = AttentionMap(
      grid: Grid(rows: 5, columns: 7), values: (0..<35).map { _ in Float(generator.unit()) })
    let level = 0.2 + 0.6 * generator.unit()
    let segments = Contours(map: map).segments(at: level)
    for segment in segments {
      for place in [segment.from, segment.to] {
        let (column, row) = (Int(place.x), Int(place.y))
        let (right, down) = (place.x - Double(column), place.y - Double(row))
        #expect(right == 0 || down == 0)
        func value(_ row: Int, _ column: Int) -> Double {
          Double(map.values[min(row, 4) * 7 + min(column, 6)])
        }
        let one = value(row, column)
        let other = value(row + (down > 0 ? 1 : 0), column + (right > 0 ? 1 : 0))
        #expect(abs(one + (other - one) * max(right, down) - level) < 1e-9)
      }
    }
    // Each segment is in a line once, and lines end only at the border.
    let lines = Contours.joined(segments)
    #expect(lines.reduce(0) { $0 + $1.count - 1 } == segments.count)
    for line in lines where line.first != line.last {
      for end in [line.first, line.last].compactMap(\.self) {
        #expect(end.x == 0 || end.y == 0 || end.x == 6 || end.y == 4)
      }
    }
  }

  @Test("A level that no value reaches, a single cell and cells without value have no contour")
  func noContours() {
    let hill = AttentionMap(grid: Grid(rows: 2, columns: 2), values: [0, 0, 0, 0.4])
    #expect(Contours(map: hill).segments(at: 0.5).isEmpty)
    #expect(
      Contours(map: AttentionMap(grid: Grid(rows: 1, columns: 1), values: [1])).segments(at: 0.5)
        .isEmpty)
    let gap = AttentionMap(grid: Grid(rows: 2, columns: 2), values: [0, .nan, 1, 1])
    #expect(Contours(map: gap).segments(at: 0.5).isEmpty)
  }

  @Test(
    "A logarithmic scale puts equal ratios equally far apart, and spans four powers of ten at most")
  func logarithm() {
    let map = AttentionMap(grid: Grid(rows: 1, columns: 4), values: [0, 1e-9, 0.01, 1])
    let scale = ValueScale(logarithmCovering: [map])
    #expect(abs(scale.lower - 1e-4) < 1e-12 && scale.upper == 1 && scale.isLogarithmic)
    #expect(abs(scale.fraction(of: 0.01) - 0.5) < 1e-9)
    #expect(scale.fraction(of: 0) == 0 && scale.fraction(of: -1) == 0)
    #expect(abs(scale.value(at: 0.5) - 0.01) < 1e-9)
    let close = ValueScale(
      logarithmCovering: [AttentionMap(grid: Grid(rows: 1, columns: 2), values: [0.1, 0.4])])
    #expect(abs(close.lower - 0.1) < 1e-7)
    for values: [Float] in [[0], [.nan], [-1], [0.3]] {
      let scale = ValueScale(logarithmCovering: [
        AttentionMap(grid: Grid(rows: 1, columns: 1), values: values)
      ])
      #expect(scale.lower > 0 && scale.lower < scale.upper)
    }
  }

  @Test("What lies beyond a scale is counted, and said")
  func clipping() {
    let map = AttentionMap(grid: Grid(rows: 1, columns: 4), values: [-0.2, 0.1, 0.6, 0.7])
    var style = MapStyle(range: .fixed(lower: 0, upper: 0.5))
    var scale = style.scale(of: [map], isDifference: false)
    #expect(
      style.clipping(of: [map], scale)
        == "Clipped: 2 of 4 cells above the scale have its last colour, 1 of 4 cells below it have "
        + "its first.")
    style.range = .shared
    scale = style.scale(of: [map], isDifference: false)
    #expect(style.clipping(of: [map], scale).isEmpty)
  }

  @Test(
    "What cannot be drawn together is refused",
    arguments: [
      (MapStyle(overlay: .mosaic, interpolation: .bicubic), false),
      (MapStyle(overlay: .jetCompat, range: .fixed(lower: 0, upper: 1)), false),
      (MapStyle(range: .fixed(lower: 1, upper: 1)), false),
      (MapStyle(range: .fixed(lower: 0, upper: 1), isLogarithmic: true), false),
      (MapStyle(overlay: .contour, contours: []), false),
      (MapStyle(overlay: .contour, contours: [1.5]), false),
      (MapStyle(isLogarithmic: true), true), (MapStyle(overlay: .alpha), true),
      (MapStyle(colors: .viridis), true),
    ])
  func refusals(style: MapStyle, isDifference: Bool) {
    #expect(throws: FigureError.self) { try style.validate(isDifference: isDifference) }
  }
}

/// A small generator for tests that look at many maps.
private struct SplitMix {
  var state: UInt64

  /// A number in 0..<1.
  mutating func unit() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
  }
}
