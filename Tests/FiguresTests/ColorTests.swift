import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Foundation
import Testing

@Suite("Colours")
struct ColorTests {
  @Test(
    "A table has its source's checksum",
    arguments: [
      (ColorMap.magma, "f95197e8391d18e2"), (.viridis, "18545f7c72a02f02"),
      (.inferno, "e24e8bd38b972989"), (.plasma, "7463ac7565e75449"),
      (.cividis, "40881f40490dc08a"), (.turbo, "c4ae9ddb8a7f1356"),
    ])
  func checksum(map: ColorMap, digest: String) throws {
    try withFolder { folder in
      let file = folder.appendingPathComponent("table")
      try Data(map.colors.flatMap { [$0.red, $0.green, $0.blue] }).write(to: file)
      let result = try run("sha256sum", [file.path])
      #expect(result.output.hasPrefix(digest))
      #expect(map.colors.count == 256)
    }
  }

  @Test(
    "In grey print, a loss is darker than no change and a gain lighter, by as much as it is large")
  func difference() {
    let map = ColorMap.difference
    // Lightness as CIE 1976 defines it, 0…100.
    func lightness(_ change: Double) -> Double {
      116 * cbrt(map.color(at: 0.5 + change / 2).luminance) - 16
    }
    for (color, next) in zip(map.colors, map.colors.dropFirst()) {
      // Rounding to 8 bits may take back a step.
      #expect(color.luminance < next.luminance + 0.001)
    }
    for change in stride(from: 0.1, through: 1, by: 0.1) {
      let (loss, none, gain) = (lightness(-change), lightness(0), lightness(change))
      #expect(none - loss > 24 * change && gain - none > 24 * change, "\(change)")
      #expect(abs((none - loss) - (gain - none)) < 5)
    }
    #expect(gainAndLossApart(map))
  }

  /// Whether the ends differ in hue as well: blue has more blue than red, yellow less.
  private func gainAndLossApart(_ map: ColorMap) -> Bool {
    map.colors[0].blue > map.colors[0].red && map.colors[255].blue < map.colors[255].red
  }

  /// Grey of a picture that has no shapes.
  private static let grey = 130.0

  /// What `map` becomes over grey at a share of the scale, as opaque as the share.
  private func blend(_ map: ColorMap, _ share: Double) -> [Int] {
    let color = map.color(at: share)
    return [color.red, color.green, color.blue].map {
      Int((Self.grey + (Double($0) - Self.grey) * share).rounded())
    }
  }

  @Test(
    "Over grey, each blended colour stands for one value, and cividis is refused since its do not",
    arguments: ColorMap.sequential)
  func blends(map: ColorMap) {
    var ends: [[Int]: ClosedRange<Double>] = [:]
    for share in stride(from: 0, through: 1, by: 1.0 / 4096) {
      let key = blend(map, share)
      let known = ends[key] ?? share...share
      ends[key] = min(known.lowerBound, share)...max(known.upperBound, share)
    }
    let widest = ends.values.map { $0.upperBound - $0.lowerBound }.max() ?? 1
    let isRefused = (try? MapStyle(colors: map).validate(isDifference: false)) == nil
    // Solved to the middle of what looks the same, a value is at most half of that off.
    #expect((widest / 2 <= 2.0 / 255) == !isRefused, "\(widest * 255 / 2) of 255")
    #expect(isRefused == (map.name == "cividis"))
  }

  @Test(
    "Text on any colour of a map reads at 4.5 : 1", arguments: ColorMap.sequential + [.difference])
  func contrast(map: ColorMap) {
    for color in map.colors {
      #expect(color.contrast(to: color.textColor) >= 4.5, "\(color.hex)")
    }
  }

  @Test("Contrast is WCAG's: 21 for black on white, 5.19 for Okabe and Ito's blue")
  func contrastValues() {
    #expect(abs(Color.black.contrast(to: .white) - 21) < 1e-9)
    #expect(abs(Color(hex: 0x0072B2).contrast(to: .white) - 5.19) < 0.005)
  }

  @Test("A colour stands for 1/256 of the scale, and the ends hold")
  func fractions() {
    let map = ColorMap.magma
    #expect(map.color(at: 0) == map.colors[0])
    #expect(map.color(at: 0.9999) == map.colors[255])
    #expect(map.color(at: 0.5) == map.colors[128])
    #expect(map.color(at: -3) == map.colors[0])
    #expect(map.color(at: 3) == map.colors[255])
  }

  @Test("A scale of differences has zero in the middle, and reaches as far to both sides")
  func symmetricScale() {
    func scale(_ values: [Float]) -> ValueScale {
      ValueScale(
        symmetricCovering: [
          AttentionMap(grid: Grid(rows: 1, columns: values.count), values: values)
        ])
    }
    for values: [Float] in [[0.2, -0.5, .nan, .infinity], [0.5, 0.1], [-0.5]] {
      #expect(scale(values).lower == -0.5 && scale(values).upper == 0.5)
      #expect(scale(values).fraction(of: 0) == 0.5)
    }
    #expect(scale([0, .nan]).lower == -1 && scale([0, .nan]).upper == 1)
  }

  @Test("A scale begins at zero, passes over NaN, and never is empty")
  func scale() {
    func scale(_ values: [Float]) -> ValueScale {
      ValueScale(covering: [
        AttentionMap(grid: Grid(rows: 1, columns: values.count), values: values)
      ])
    }
    #expect(scale([0.2, 0.5, .nan, .infinity]).lower == 0)
    #expect(scale([0.2, 0.5, .nan, .infinity]).upper == 0.5)
    #expect(scale([0, 0]).upper == 1)
    #expect(scale([.nan]).upper == 1)
    #expect(scale([-0.25, 0.5]).lower == -0.25)
  }
}
