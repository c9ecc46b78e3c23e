private import Foundation

// Unsafe: arrays lend their addresses, without which each of millions of samples is checked; the
// weights of an axis reach only cells that it has.

/// Pillow's antialiased resizing of pictures of 8-bit samples, to the bit.
///
/// - Reference: Pillow `src/libImaging/Resample.c`.
package enum PillowResampling {
  /// What weighs the cells of the source.
  package enum Filter: Sendable {
    /// A triangle over the two nearest cells.
    case bilinear
    /// Keys's cubic with a = −0.5, Pillow's default for colour pictures.
    case bicubic
    /// Lanczos's window of radius 3.
    case lanczos

    fileprivate var radius: Double {
      switch self {
      case .bilinear: 1
      case .bicubic: 2
      case .lanczos: 3
      }
    }

    fileprivate func weight(_ x: Double) -> Double {
      switch self {
      case .bilinear: max(0, 1 - abs(x))
      case .bicubic: Self.cubic(abs(x))
      case .lanczos: -radius <= x && x < radius ? Self.sinc(x) * Self.sinc(x / radius) : 0
      }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }

    private static func cubic(_ x: Double) -> Double {
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }

  /// A picture's samples at another size, as Pillow's `resize`.
  ///
  /// Each axis rounds to bytes, so that their order shows: Pillow 13 takes the rows first where they
  /// lose more than twice as many cells as the columns; before it, columns always came first.
  ///
  /// - Parameters:
  ///   - pixels: `[row, column, red | green | blue]`.
  ///   - size: columns and rows of them.
  ///   - target: columns and rows of the result.
  package static func resized(
    _ pixels: [UInt8], from size: (width: Int, height: Int),
    to target: (width: Int, height: Int), by filter: Filter
  ) -> [UInt8] {
    let lostRows = size.height - target.height
    if lostRows > 0, lostRows > 2 * (size.width - target.width) {
      return columns(
        rows(pixels, from: size, to: target.height, by: filter),
        from: (size.width, target.height), to: target.width, by: filter)
    }
    return rows(
      columns(pixels, from: size, to: target.width, by: filter),
      from: (target.width, size.height), to: target.height, by: filter)
  }

  private static func columns(
    _ pixels: [UInt8], from size: (width: Int, height: Int), to width: Int, by filter: Filter
  ) -> [UInt8] {
    guard width != size.width else { return pixels }
    let axis = Axis(filter, from: size.width, to: width)
    return unsafe resampled(pixels, width: width, height: size.height) {
      samples, row, column, channel in
      unsafe axis.sample(column, of: samples, from: 3 * row * size.width + channel, stride: 3)
    }
  }

  private static func rows(
    _ pixels: [UInt8], from size: (width: Int, height: Int), to height: Int, by filter: Filter
  ) -> [UInt8] {
    guard height != size.height else { return pixels }
    let axis = Axis(filter, from: size.height, to: height)
    return unsafe resampled(pixels, width: size.width, height: height) {
      samples, row, column, channel in
      unsafe axis.sample(row, of: samples, from: 3 * column + channel, stride: 3 * size.width)
    }
  }

  /// Samples each of which is made of a picture's.
  private static func resampled(
    _ pixels: [UInt8], width: Int, height: Int,
    _ sample: (UnsafeBufferPointer<UInt8>, _ row: Int, _ column: Int, _ channel: Int) -> UInt8
  ) -> [UInt8] {
    unsafe pixels.withUnsafeBufferPointer { samples in
      unsafe [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
        let rows = unsafe target
        Parallel.ranges(height, grain: 16) { some in
          for row in some {
            var position = 3 * row * width
            for column in 0..<width {
              for channel in 0..<3 {
                unsafe rows[position] = unsafe sample(samples, row, column, channel)
                position += 1
              }
            }
          }
        }
        count = 3 * width * height
      }
    }
  }

  /// One axis of it.
  ///
  /// | here | there (`Resample.c`) |
  /// | --- | --- |
  /// | `radius` | the filter's support |
  /// | `stretch` | `filterscale`: how many cells of the source a cell of the result spans, at least 1 |
  /// | `first`, `weights` | `bounds`, `kk` after `normalize_coeffs_8bpc` |
  /// | `precision` | `PRECISION_BITS` |
  ///
  /// Weights are rounded to 22 bits behind the point, and each axis rounds its result to 8 bits.
  private struct Axis {
    private static let precision = 22

    /// For each cell of the result, the source's first cell that it reads.
    private let first: [Int]
    /// For each cell of the result, the weights from there on, in units of 2⁻²².
    private let weights: [[Int]]

    /// The weights from `source` cells to `target` cells.
    init(_ filter: Filter, from source: Int, to target: Int) {
      let scale = Double(source) / Double(target)
      let stretch = max(scale, 1)
      let support = filter.radius * stretch
      var first: [Int] = []
      weights = (0..<target).map { cell in
        let center = (Double(cell) + 0.5) * scale
        let lower = max(Int(center - support + 0.5), 0)
        let upper = min(Int(center + support + 0.5), source)
        let raw = (lower..<upper).map { filter.weight((Double($0) - center + 0.5) / stretch) }
        let sum = raw.reduce(0, +)
        first.append(lower)
        return raw.map { Self.fixed(sum == 0 ? $0 : $0 / sum) }
      }
      self.first = first
    }

    /// Rounded half away from zero.
    private static func fixed(_ weight: Double) -> Int {
      let scaled = weight * Double(1 << precision)
      return Int(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
    }

    /// The weighted sum of samples that lie `stride` apart from `start` on, as a byte.
    func sample(
      _ cell: Int, of samples: UnsafeBufferPointer<UInt8>, from start: Int, stride: Int
    ) -> UInt8 {
      var sum = 1 << (Self.precision - 1)
      var position = start + first[cell] * stride
      for weight in weights[cell] {
        unsafe sum += Int(samples[position]) * weight
        position += stride
      }
      return UInt8(clamping: sum >> Self.precision)
    }
  }
}
