private import Foundation
internal import TensorEngine

/// One axis of Pillow's antialiased Lanczos resampling of 8-bit samples, to the bit.
///
/// | here | there (`Resample.c`) |
/// | --- | --- |
/// | `radius` | the filter's support, 3 |
/// | `stretch` | `filterscale`: how many cells of the source a cell of the result spans, at least 1 |
/// | `first`, `weights` | `bounds`, `kk` after `normalize_coeffs_8bpc` |
/// | `precision` | `PRECISION_BITS` |
///
/// Weights are rounded to 22 bits behind the point, and each axis rounds its result to 8 bits.
///
/// - Reference: Pillow `src/libImaging/Resample.c`.
struct LanczosAxis {
  private static let radius = 3.0
  private static let precision = 22

  /// For each cell of the result, the source's first cell that it reads.
  let first: [Int]
  /// For each cell of the result, the weights from there on, in units of 2⁻²².
  let weights: [[Int]]

  /// The weights from `source` cells to `target` cells.
  init(from source: Int, to target: Int) {
    let scale = Double(source) / Double(target)
    let stretch = max(scale, 1)
    let support = Self.radius * stretch
    var first: [Int] = []
    weights = (0..<target).map { cell in
      let center = (Double(cell) + 0.5) * scale
      let lower = max(Int(center - support + 0.5), 0)
      let upper = min(Int(center + support + 0.5), source)
      let raw = (lower..<upper).map { Self.lanczos((Double($0) - center + 0.5) / stretch) }
      let sum = raw.reduce(0, +)
      first.append(lower)
      return raw.map { Self.fixed(sum == 0 ? $0 : $0 / sum) }
    }
    self.first = first
  }

  private static func lanczos(_ x: Double) -> Double {
    func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
    return -radius <= x && x < radius ? sinc(x) * sinc(x / radius) : 0
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
      sum += Int(samples[position]) * weight
      position += stride
    }
    return UInt8(clamping: sum >> Self.precision)
  }
}

extension Photo {
  /// The picture at another size, as Pillow's `resize` with LANCZOS.
  ///
  /// Each axis rounds to bytes, so that their order shows: Pillow 13 takes the rows first where they
  /// lose more than twice as many cells as the columns; before it, columns always came first.
  func resized(width newWidth: Int, height newHeight: Int) -> Photo {
    let lostRows = height - newHeight
    return lostRows > 0 && lostRows > 2 * (width - newWidth)
      ? resized(height: newHeight).resized(width: newWidth)
      : resized(width: newWidth).resized(height: newHeight)
  }

  private func resized(width newWidth: Int) -> Photo {
    guard newWidth != width else { return self }
    let axis = LanczosAxis(from: width, to: newWidth)
    return resampled(width: newWidth, height: height) { samples, row, column, channel in
      axis.sample(column, of: samples, from: 3 * row * width + channel, stride: 3)
    }
  }

  private func resized(height newHeight: Int) -> Photo {
    guard newHeight != height else { return self }
    let axis = LanczosAxis(from: height, to: newHeight)
    return resampled(width: width, height: newHeight) { samples, row, column, channel in
      axis.sample(row, of: samples, from: 3 * column + channel, stride: 3 * width)
    }
  }

  /// A picture each of whose samples is made of this one's.
  private func resampled(
    width: Int, height: Int,
    _ sample:
      @Sendable (UnsafeBufferPointer<UInt8>, _ row: Int, _ column: Int, _ channel: Int)
      -> UInt8
  ) -> Photo {
    let resampled = pixels.withUnsafeBufferPointer { samples in
      [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
        var position = 0
        for row in 0..<height {
          for column in 0..<width {
            for channel in 0..<3 {
              target[position] = sample(samples, row, column, channel)
              position += 1
            }
          }
        }
        count = position
      }
    }
    return Photo(width: width, height: height, pixels: resampled)
  }
}
