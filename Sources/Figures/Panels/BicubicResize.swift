/// A picture in another size by Keys's cubic with a = −0.5, widened when it shrinks, as Pillow's default
/// for colour pictures does.
///
/// - Reference: Pillow `src/libImaging/Resample.c`; its sums are of 8-bit fixed point, so that a sample
///   may differ by one.
enum BicubicResize {
  /// `image` at a size of `width` × `height` pixels.
  static func image(_ image: PNGImage, width: Int, height: Int) -> PNGImage {
    if image.width == width && image.height == height { return image }
    let across = taps(image.width, width)
    var lines = [Float](repeating: 0, count: image.height * width * 3)
    for row in 0..<image.height {
      for (column, taps) in across.enumerated() {
        for channel in 0..<3 {
          let sum = taps.reduce(Float(0)) {
            $0 + $1.weight * Float(image.pixels[(row * image.width + $1.index) * 3 + channel])
          }
          lines[(row * width + column) * 3 + channel] = rounded(sum)
        }
      }
    }
    let down = taps(image.height, height)
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    for (row, taps) in down.enumerated() {
      for sample in 0..<(width * 3) {
        let sum = taps.reduce(Float(0)) { $0 + $1.weight * lines[$1.index * width * 3 + sample] }
        pixels[row * width * 3 + sample] = UInt8(rounded(sum))
      }
    }
    return PNGImage(width: width, height: height, pixels: pixels)
  }

  private static func rounded(_ sample: Float) -> Float {
    max(0, min(255, (sample + 0.5).rounded(.down)))
  }

  private static func taps(_ from: Int, _ to: Int) -> [[(index: Int, weight: Float)]] {
    let scale = Double(from) / Double(to)
    let widening = max(scale, 1)
    return (0..<to).map { place in
      let center = (Double(place) + 0.5) * scale
      let first = max(0, Int(center - 2 * widening + 0.5))
      let last = min(from, Int(center + 2 * widening + 0.5))
      let weights = (first..<last).map { cubic(abs(Double($0) - center + 0.5) / widening) }
      let total = weights.reduce(0, +)
      return zip(first..<last, weights).map { ($0, Float($1 / total)) }
    }
  }

  private static func cubic(_ x: Double) -> Double {
    let a = -0.5
    return x < 1
      ? ((a + 2) * x - (a + 3)) * x * x + 1
      : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }
}
