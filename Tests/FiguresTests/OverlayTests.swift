import AttentionAnalysis
import AttentionTrace
import Drawing
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
    let style = MapStyle(overlay: .alpha, interpolation: .nearest)
    let map = AttentionMap(grid: Grid(rows: 1, columns: 3), values: [0, 0.5, 1])
    let grey = Picture(width: 3, height: 1, pixels: [90, 90, 90, 90, 90, 90, 90, 90, 90])
    let scale = ValueScale(covering: [map])
    let image = MapRaster(map: map, scale: scale, style: style).over(grey)
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
      map: map, scale: ValueScale(covering: [map]),
      style: MapStyle(overlay: .dim, interpolation: .nearest)
    ).over(picture)
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

  @Test("Bicubic contours of a hill are circles without corners, which straight ones are not")
  func smoothContours() {
    let (middle, spread) = (7.2, 3.1)
    let hill = AttentionMap(
      grid: Grid(rows: 16, columns: 16),
      values: (0..<256).map { cell in
        let (down, right) = (Double(cell / 16) - middle, Double(cell % 16) - middle)
        return Float(exp(-(down * down + right * right) / (2 * spread * spread)))
      })
    func sharpest(_ kernel: Recipe.Interpolation, level: Double) -> Double {
      let radius = spread * (-2 * log(level)).squareRoot()
      let lines = Contours.joined(Contours(map: hill, by: kernel).segments(at: level))
      #expect(lines.count == 1)
      var sharpest = 0.0
      for line in lines {
        for place in line {
          let found = hypot(place.x - middle, place.y - middle)
          #expect(abs(found - radius) < 0.1, "\(found) for \(radius)")
        }
        let corners = zip(zip(line, line.dropFirst()), line.dropFirst(2))
        for ((one, two), three) in corners {
          let turn = atan2(three.y - two.y, three.x - two.x) - atan2(two.y - one.y, two.x - one.x)
          sharpest = max(sharpest, abs(remainder(turn, 2 * .pi)))
        }
      }
      return sharpest
    }
    for level in [0.3, 0.5, 0.7] {
      // A circle that is drawn through n points turns by 2π / n at each of them.
      #expect(sharpest(.bicubic, level: level) < 0.25)
      #expect(sharpest(.nearest, level: level) > 0.25)
    }
  }

  @Test("Bicubic contours part the cells above a level from those below it", arguments: 0..<10)
  func contoursOfCells(seed: Int) {
    var generator = SplitMix(state: UInt64(seed))
    let map = AttentionMap(
      grid: Grid(rows: 6, columns: 5), values: (0..<30).map { _ in Float(generator.unit()) })
    let level = 0.3 + 0.4 * generator.unit()
    let segments = Contours(map: map, by: .bicubic).segments(at: level)
    for row in 0..<6 {
      for column in 0..<4 {
        // From one cell's centre to the next, a line that parts them is crossed an odd number of times.
        let crossings = segments.count { segment in
          (segment.from.y > Double(row) + 1e-9) != (segment.to.y > Double(row) + 1e-9)
            && { (share: Double) in
              let x = segment.from.x + share * (segment.to.x - segment.from.x)
              return x > Double(column) && x < Double(column + 1)
            }((Double(row) + 1e-9 - segment.from.y) / (segment.to.y - segment.from.y))
        }
        let (one, other) = (map.values[row * 5 + column], map.values[row * 5 + column + 1])
        let isParted = (Double(one) >= level) != (Double(other) >= level)
        #expect((crossings % 2 == 1) == isParted, "row \(row), column \(column)")
      }
    }
  }

  @Test("The bar of contours marks their levels and its ends, and nothing else")
  func contourTicks() throws {
    for levels in [[0.25, 0.5, 0.75], [0.1, 0.12], [0.5]] {
      let scene = try Sample.sheet(seeds: 1, subjects: 2).scene(
        SheetStyle(maps: MapStyle(overlay: .contour, contours: levels)))
      let bar = try #require(scene.panels.first { $0.path.last == "color bar" }?.frame)
      var ticks: [Double] = []
      scene.visit { path, node in
        if path.last == "color bar", case .path(let points, _, _, _) = node {
          ticks.append((points[0].x - bar.x) / bar.width)
        }
      }
      #expect(ticks.count == levels.count + 2)
      for (tick, share) in zip(ticks.sorted(), [0] + levels + [1]) {
        #expect(abs(tick - share) < 1e-6)
      }
    }
  }

  @Test(
    "An overlay without an interpolation has the one that suits it, and is drawn",
    arguments: OverlayMode.allCases)
  func interpolations(overlay: OverlayMode) throws {
    let scene = try Sample.sheet(seeds: 1, subjects: 2).scene(
      SheetStyle(maps: MapStyle(overlay: overlay)))
    let said = scene.texts.map(\.string).joined(separator: " ")
    let expected =
      switch overlay {
      case .mosaic, .cells, .side: "no interpolation"
      case .alpha, .dim, .contour: "bicubic interpolation"
      case .jetCompat: "bilinear interpolation"
      }
    #expect(said.contains(expected) && scene.caption.contains(expected), "\(said)")
  }

  @Test("Where a word is not attended to, its panel is the picture in grey, pixel by pixel")
  func calm() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 2)
    sheet.seeds[0].runs[0].maps[0] = AttentionMap(
      grid: Grid(rows: 16, columns: 16), values: Array(repeating: 0, count: 256))
    let scene = try sheet.scene()
    var shown: Picture?
    scene.visit { path, node in
      if path == ["seed 0", sheet.methods[0].title, "map \(Sample.words[0])"],
        case .image(let picture, _) = node
      {
        shown = picture
      }
    }
    let picture = try #require(shown)
    let source = sheet.seeds[0].runs[0].image
    let factor = picture.width / source.width
    #expect(factor > 1 && picture.width == factor * source.width)
    // Grey, in the order of the picture's own lumas, and the same for each pixel of the picture.
    var greys: [(luma: Double, grey: UInt8)] = []
    for index in 0..<source.width * source.height {
      let (row, column) = (index / source.width, index % source.width)
      for (down, right) in [(0, 0), (factor - 1, factor - 1)] {
        let start = 3 * ((row * factor + down) * picture.width + column * factor + right)
        #expect(Set(picture.pixels[start..<start + 3]).count == 1)
        let parts = source.pixels[3 * index..<3 * index + 3].map(Double.init)
        greys.append(
          (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2], picture.pixels[start]))
      }
    }
    greys.sort { $0.luma < $1.luma }
    #expect(zip(greys, greys.dropFirst()).allSatisfy { $0.grey <= $1.grey })
    #expect(greys.first?.grey == 60 && greys.last?.grey == 200)
  }

  @Test("Over a picture of few greys, noise stays faint")
  func faintPictures() throws {
    var sheet = Sample.sheet(seeds: 1, subjects: 1)
    sheet.seeds[0].runs[0].image = Picture(
      width: 2, height: 1, pixels: [100, 100, 100, 102, 102, 102])
    sheet.seeds[0].runs[0].maps[0].values = Array(repeating: 0, count: 256)
    var greys: Set<UInt8> = []
    try sheet.scene().visit { path, node in
      if path == ["seed 0", sheet.methods[0].title, "map \(Sample.words[0])"],
        case .image(let picture, _) = node
      {
        greys.formUnion(picture.pixels)
      }
    }
    #expect(greys == [127, 133])
  }

  @Test(
    "The peaks are printed as they are, whatever lies between the cells",
    arguments: OverlayMode.allCases)
  func printedPeaks(overlay: OverlayMode) throws {
    let sheet = Sample.sheet(seeds: 2, subjects: 3)
    let scene = try sheet.scene(SheetStyle(maps: MapStyle(overlay: overlay)))
    var printed: [[String]: String] = [:]
    scene.visit { path, node in
      if case .text(let text) = node { printed[path] = text.string }
    }
    for (index, seed) in sheet.seeds.enumerated() {
      for (method, run) in zip(sheet.methods, seed.runs) {
        for (subject, map) in zip(sheet.subjects, run.maps) {
          let text = try #require(printed[["seed \(index)", method.title, "map \(subject.name)"]])
          let number = try #require(
            Double(text.split(whereSeparator: { " –".contains($0) }).last ?? ""))
          #expect(abs(number - Double(map.largest)) <= 0.0005, "\(text)")
        }
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
      (MapStyle(overlay: .jetCompat, interpolation: .bicubic), false),
      (MapStyle(colors: .cividis), false),
      (MapStyle(isLogarithmic: true), true), (MapStyle(overlay: .dim), true),
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
