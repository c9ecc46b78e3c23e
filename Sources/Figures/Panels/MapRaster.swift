package import AttentionAnalysis
internal import AttentionTrace
package import Pictures

/// A map as pixels: values are interpolated first, and then become colours.
package struct MapRaster {
  /// A side that smoothed maps have at least, in pixels.
  private static let smoothSide = 256

  private let map: AttentionMap
  private let scale: ValueScale
  private let style: MapStyle

  package init(map: AttentionMap, scale: ValueScale, style: MapStyle) {
    self.map = map
    self.scale = scale
    self.style = style
  }

  /// The colour of each cell, or of each pixel between the cells.
  ///
  /// Whole cells are as many pixels: squares drawn as vectors would show seams where they meet.
  var opaque: Picture {
    let map = fine(atLeast: 1)
    return Picture(
      width: map.grid.columns, height: map.grid.rows,
      pixels: map.values.flatMap { value in
        let color = color(value)
        return [color.red, color.green, color.blue]
      })
  }

  /// The colours over `grey`, as opaque as the value is high.
  package func blended(over grey: Picture) -> Picture {
    mixed(into: grey) { (share($0), color($0)) }
  }

  /// `picture` with the share of its brightness that the value has of the scale.
  package func dimming(_ picture: Picture) -> Picture {
    mixed(into: picture) { (1 - share($0), .black) }
  }

  private func share(_ value: Float) -> Double {
    value.isFinite ? max(0, min(1, scale.fraction(of: Double(value)))) : 0
  }

  private func color(_ value: Float) -> Color {
    value.isFinite ? style.shownColors.color(at: scale.fraction(of: Double(value))) : .white
  }

  /// The map on its own cells, or smoothed on a grid at least `side` wide and high.
  ///
  /// A map with cells that have no value is left as it is.
  private func fine(atLeast side: Int) -> AttentionMap {
    guard style.interpolation != .nearest, map.values.allSatisfy(\.isFinite) else { return map }
    let wanted = max(side, Self.smoothSide)
    let shorter = min(map.grid.rows, map.grid.columns)
    return map.enlarged(by: (wanted + shorter - 1) / shorter, style.interpolation)
  }

  /// `picture` on its way to a colour, for each value of the map a share of it and the colour; on the
  /// finer of the two grids in each direction.
  private func mixed(
    into picture: Picture, _ paint: (Float) -> (share: Double, color: Color)
  ) -> Picture {
    let map = fine(atLeast: max(picture.width, picture.height))
    let paints = map.values.map(paint)
    let (width, height) = (max(map.grid.columns, picture.width), max(map.grid.rows, picture.height))
    // Every sample is written once.
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: width * height * 3) { pixels, count in
      for row in 0..<height {
        let line = row * map.grid.rows / height * map.grid.columns
        let source = row * picture.height / height * picture.width
        for column in 0..<width {
          let (share, color) = paints[line + column * map.grid.columns / width]
          let start = 3 * (source + column * picture.width / width)
          for (channel, part) in [color.red, color.green, color.blue].enumerated() {
            let found = Double(picture.pixels[start + channel])
            unsafe pixels[3 * (row * width + column) + channel] =
              UInt8((found + (Double(part) - found) * share).rounded())
          }
        }
      }
      count = width * height * 3
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}
