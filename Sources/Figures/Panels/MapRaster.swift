package import AttentionAnalysis
internal import AttentionTrace
package import Drawing
package import Pictures

/// A map as pixels: values are interpolated first, and then become colours.
package struct MapRaster {
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
    return Picture(map.values, width: map.grid.columns, on: scale, in: style.shownColors)
  }

  /// `picture` with the map laid over it, pixel by pixel: each on its way to the colour of its value,
  /// as far as the value is opaque.
  package func over(_ picture: Picture) -> Picture {
    let map = fine(width: picture.width, height: picture.height)
    return picture.overlaid(map.values, columns: map.grid.columns, on: scale) {
      style.paint(at: $0)
    }
  }

  /// The map on its own cells, or interpolated on a grid as fine as the pixels.
  ///
  /// A map with cells that have no value is left as it is.
  private func fine(width: Int, height: Int) -> AttentionMap {
    guard map.values.allSatisfy(\.isFinite) else { return map }
    return map.interpolated(on: Grid(rows: height, columns: width), style.kernel)
  }
}
