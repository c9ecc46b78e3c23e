package import AttentionAnalysis
internal import AttentionTrace
package import Pictures

/// A map as pixels: values are interpolated first, and then become colours.
package struct MapRaster {
  /// How finely the scale is divided into colours and opacities: well below what 8 bits show.
  private static let levels = 4096

  private let map: AttentionMap
  private let scale: ValueScale
  private let style: MapStyle

  package init(map: AttentionMap, scale: ValueScale, style: MapStyle) {
    self.map = map
    self.scale = scale
    self.style = style
  }

  /// The colour of each cell, or of each of `width` × `height` pixels if values are interpolated.
  ///
  /// Whole cells are as many pixels: squares drawn as vectors would show seams where they meet.
  func opaque(width: Int, height: Int) -> Picture {
    let map = fine(width: width, height: height)
    return Picture(
      width: map.grid.columns, height: map.grid.rows,
      pixels: map.values.flatMap { value in
        let color =
          value.isFinite
          ? style.shownColors.color(at: scale.fraction(of: Double(value))) : .white
        return [color.red, color.green, color.blue]
      })
  }

  /// `picture` with the map laid over it, pixel by pixel: each on its way to the colour of its value,
  /// as far as the value is opaque.
  package func over(_ picture: Picture) -> Picture {
    let (width, height) = (picture.width, picture.height)
    let map = fine(width: width, height: height)
    let levels = map.values.map(level)
    let paints = (0...Self.levels).map { level -> [Double] in
      let (color, opacity) = style.paint(at: Double(level) / Double(Self.levels))
      return [Double(color.red), Double(color.green), Double(color.blue), opacity]
    }.flatMap(\.self)
    var pixels = picture.pixels
    for row in 0..<height {
      let line = row * map.grid.rows / height * map.grid.columns
      for column in 0..<width {
        guard let level = levels[line + column * map.grid.columns / width] else { continue }
        let opacity = paints[4 * level + 3]
        let start = 3 * (row * width + column)
        for channel in 0..<3 {
          let found = Double(pixels[start + channel])
          pixels[start + channel] = UInt8(
            (found + (paints[4 * level + channel] - found) * opacity).rounded())
        }
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// Where a value lies on the scale; `nil` for one that is none, which leaves the picture as it is.
  private func level(_ value: Float) -> Int? {
    guard value.isFinite else { return nil }
    let fraction = max(0, min(1, scale.fraction(of: Double(value))))
    return Int((fraction * Double(Self.levels)).rounded())
  }

  /// The map on its own cells, or interpolated on a grid as fine as the pixels.
  ///
  /// A map with cells that have no value is left as it is.
  private func fine(width: Int, height: Int) -> AttentionMap {
    guard map.values.allSatisfy(\.isFinite) else { return map }
    return map.interpolated(on: Grid(rows: height, columns: width), style.kernel)
  }
}
