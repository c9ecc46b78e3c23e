/// How many pixels of some pictures have each colour.
struct ColorCount {
  /// A colour of 8 bits a channel.
  struct Entry: Hashable {
    let red: UInt8
    let green: UInt8
    let blue: UInt8

    /// Red, green and blue from the upper byte to the lower.
    var code: Int { Int(red) << 16 | Int(green) << 8 | Int(blue) }

    init(code: Int) {
      red = UInt8(truncatingIfNeeded: code >> 16)
      green = UInt8(truncatingIfNeeded: code >> 8)
      blue = UInt8(truncatingIfNeeded: code)
    }
  }

  /// By the codes of colours.
  private var pixels: [Int: Int] = [:]

  /// Counts the pixels of a picture.
  mutating func add(_ picture: Picture) {
    // Figures are flat: most pixels have the colour of their neighbour.
    var (last, run) = (picture.code(at: 0), 0)
    for pixel in 0..<picture.width * picture.height {
      let code = picture.code(at: pixel)
      if code != last {
        pixels[last, default: 0] += run
        (last, run) = (code, 0)
      }
      run += 1
    }
    pixels[last, default: 0] += run
  }

  /// The colours that are there, in the order of their codes, and their pixels.
  var colors: [(color: Entry, pixels: Int)] {
    pixels.sorted { $0.key < $1.key }.map { (Entry(code: $0.key), $0.value) }
  }
}

extension Picture {
  /// The colour of a pixel, red, green and blue from the upper byte to the lower.
  func code(at pixel: Int) -> Int {
    Int(pixels[3 * pixel]) << 16 | Int(pixels[3 * pixel + 1]) << 8 | Int(pixels[3 * pixel + 2])
  }
}
