package import Pictures

extension Picture {
  /// How finely the scale is divided into colours and opacities: well below what 8 bits show.
  private static let levels = 4096

  /// The colours of `values`, one for each pixel; white for a value that is none.
  /// - Parameters:
  ///   - values: `[row, column]`.
  ///   - width: how many values there are in a row.
  package init(_ values: [Float], width: Int, on scale: ValueScale, in colors: ColorMap) {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * values.count)
    for value in values {
      let color: Color =
        value.isFinite ? colors.color(at: scale.fraction(of: Double(value))) : .white
      pixels.append(color.red)
      pixels.append(color.green)
      pixels.append(color.blue)
    }
    self.init(width: width, height: values.count / width, pixels: pixels)
  }

  /// The picture with values laid over it, pixel by pixel: each on its way to the colour of its value,
  /// as far as the value is opaque.
  ///
  /// A value that is none leaves the picture as it is.
  /// - Parameters:
  ///   - values: `[row, column]`, of cells as large as their number makes them.
  ///   - columns: how many values there are in a row.
  ///   - paint: the colour at a fraction of the scale, and how opaque it is, 0…1.
  package func overlaid(
    _ values: [Float], columns: Int, on scale: ValueScale,
    _ paint: (Double) -> (color: Color, opacity: Double)
  ) -> Picture {
    let paints = (0...Self.levels).map { paint(Double($0) / Double(Self.levels)) }
    let levels = values.map { value -> Int? in
      guard value.isFinite else { return nil }
      let fraction = max(0, min(1, scale.fraction(of: Double(value))))
      return Int((fraction * Double(Self.levels)).rounded())
    }
    let rows = values.count / columns
    var pixels = pixels
    for row in 0..<height {
      let line = row * rows / height * columns
      for column in 0..<width {
        guard let level = levels[line + column * columns / width] else { continue }
        let (color, opacity) = paints[level]
        let start = 3 * (row * width + column)
        let found = Color(
          red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2])
        let mixed = found.mixed(with: color, share: opacity)
        (pixels[start], pixels[start + 1], pixels[start + 2]) = (mixed.red, mixed.green, mixed.blue)
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}
