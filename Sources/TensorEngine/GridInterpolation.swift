// Unsafe: loops over addresses. They are those of tensors that live as long as the loop, and weights
// reach only cells that the grid has.

extension Tensor {
  /// Vectors of a grid, `[row, column, channel]`, brought to another grid, as torch's
  /// `interpolate(mode="bicubic", align_corners=False)` does: Keys's cubic with a = −0.75 through four
  /// cells of each axis, those beyond the edge being the edge's, and none more where cells get fewer.
  ///
  /// - Reference: PyTorch `aten/src/ATen/native/UpSample.h`, `get_cubic_upsample_coefficients`.
  package func interpolatedBicubically(rows: Int, columns: Int) -> Tensor {
    guard rank == 3, shape[0] > 0, shape[1] > 0, rows > 0, columns > 0 else {
      bug("interpolatedBicubically: \(shape) to \(rows) × \(columns)")
    }
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    let narrow = unsafe Tensor(shape: [height, columns, channels]) { target in
      let taps = Self.cubicTaps(from: width, to: columns)
      unsafe target.initialize(repeating: 0, count: height * columns * channels)
      for row in 0..<height {
        for (column, taps) in taps.enumerated() {
          for (cell, weight) in taps {
            let from = unsafe storage.pointer + (row * width + cell) * channels
            let to = unsafe target + (row * columns + column) * channels
            for channel in 0..<channels { unsafe to[channel] += weight * from[channel] }
          }
        }
      }
    }
    return unsafe Tensor(shape: [rows, columns, channels]) { target in
      let taps = Self.cubicTaps(from: height, to: rows)
      let count = columns * channels
      unsafe target.initialize(repeating: 0, count: rows * count)
      for (row, taps) in taps.enumerated() {
        for (cell, weight) in taps {
          let from = unsafe narrow.storage.pointer + cell * count
          let to = unsafe target + row * count
          for index in 0..<count { unsafe to[index] += weight * from[index] }
        }
      }
    }
  }

  /// For each cell of an axis, the four of the source that it is made of, and their weights.
  private static func cubicTaps(from source: Int, to target: Int) -> [[(cell: Int, weight: Float)]]
  {
    let a: Float = -0.75
    func near(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func far(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    let scale = Float(source) / Float(target)
    return (0..<target).map { index in
      let place = scale * (Float(index) + 0.5) - 0.5
      let first = place.rounded(.down)
      let t = place - first
      let weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
      return weights.enumerated().map { offset, weight in
        (min(max(Int(first) - 1 + offset, 0), source - 1), weight)
      }
    }
  }
}
