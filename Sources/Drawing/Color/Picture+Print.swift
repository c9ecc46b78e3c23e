package import Pictures

extension Picture {
  /// Pixels an inch that a print shows.
  private static let printed = 300.0

  /// The picture with at most as many pixels as a print shows in `frame`: each of them the mean of the
  /// picture's pixels that it covers; or, of a smaller picture, each pixel as a square of as many whole
  /// ones as a print shows.
  package func printed(in frame: Scene.Rect) -> Picture {
    let limit = max(1, Int((frame.width / 72 * Self.printed).rounded()))
    let factor = limit / width
    guard factor < 1 else { return sampled(width: width * factor, height: height * factor) }
    return sampled(width: limit, height: max(1, limit * height / width))
  }

  private func sampled(width columns: Int, height rows: Int) -> Picture {
    if (columns, rows) == (width, height) { return self }
    var samples: [UInt8] = []
    samples.reserveCapacity(3 * columns * rows)
    let spans = (0..<columns).map { Self.span($0, of: columns, over: width) }
    for row in 0..<rows {
      let lines = Self.span(row, of: rows, over: height)
      for span in spans {
        var sums = (0, 0, 0)
        for line in lines {
          for index in span {
            let start = 3 * (line * width + index)
            sums.0 += Int(pixels[start])
            sums.1 += Int(pixels[start + 1])
            sums.2 += Int(pixels[start + 2])
          }
        }
        let count = lines.count * span.count
        for sum in [sums.0, sums.1, sums.2] { samples.append(UInt8((sum + count / 2) / count)) }
      }
    }
    return Picture(width: columns, height: rows, pixels: samples)
  }

  /// Which of `length` pixels the one at `index` of `count` covers; one at least.
  private static func span(_ index: Int, of count: Int, over length: Int) -> Range<Int> {
    let first = index * length / count
    return first..<max(first + 1, (index + 1) * length / count)
  }
}
