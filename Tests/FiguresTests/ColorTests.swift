import AttentionAnalysis
import AttentionTrace
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

  @Test("The map of differences is white in the middle, and as far from it on both sides")
  func difference() {
    let map = ColorMap.difference
    #expect([0, 255].map { map.colors[$0].hex } == ["#0072B2", "#D55E00"])
    for index in 0..<128 {
      let (less, more) = (map.colors[index], map.colors[255 - index])
      #expect(less.luminance < map.colors[min(127, index + 1)].luminance + 1e-9)
      #expect(more.luminance < map.colors[max(128, 254 - index)].luminance + 1e-9)
    }
    #expect(map.color(at: 0.5).contrast(to: .white) < 1.1)
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
