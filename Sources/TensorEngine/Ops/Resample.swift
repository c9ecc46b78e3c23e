// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

extension Tensor {
  /// `[batch, channel, row, column]` brought to `rows` by `columns`, each cell from the nearest one.
  ///
  /// A cell's source is `floor(index · (from / to))` in float32, to the letter of torch's
  /// `interpolate(mode="nearest")`.
  package func upsampledNearest(rows: Int, columns: Int) -> Tensor {
    Operation.upsampleNearest(rows: rows, columns: columns)(self)
  }

  /// The last two axes continued by `width` on each side by mirroring, the edge not repeated.
  package func reflectPadded(_ width: Int) -> Tensor { Operation.reflectPad(width)(self) }
}

extension Operation {
  private static func sources(_ to: Int, from: Int) -> [Int] {
    let scale = Float(from) / Float(to)
    return (0..<to).map { min(Int(Float($0) * scale), from - 1) }
  }

  static func upsampleNearest(_ x: Tensor, _ rows: Int, _ columns: Int) -> Evaluation {
    guard x.rank == 4 else { bug("upsampleNearest: \(x.shape)") }
    let (height, width) = (x.shape[2], x.shape[3])
    let (ys, xs) = (sources(rows, from: height), sources(columns, from: width))
    let output = unsafe Tensor(shape: [x.shape[0], x.shape[1], rows, columns]) { y in
      Parallel.ranges(x.shape[0] * x.shape[1], grain: 16) { planes in
        for plane in planes {
          for row in 0..<rows {
            let source = unsafe x.storage.pointer + (plane * height + ys[row]) * width
            let target = unsafe y + (plane * rows + row) * columns
            for column in 0..<columns { unsafe target[column] = unsafe source[xs[column]] }
          }
        }
      }
    }
    return Evaluation(output: output)
  }

  static func upsampleNearestPullback(_ gradient: Tensor, _ shape: [Int]) -> Tensor {
    let (height, width) = (shape[2], shape[3])
    let (rows, columns) = (gradient.shape[2], gradient.shape[3])
    let (ys, xs) = (sources(rows, from: height), sources(columns, from: width))
    return unsafe Tensor(shape: shape) { dx in
      Parallel.ranges(shape[0] * shape[1], grain: 16) { planes in
        for plane in planes {
          unsafe (dx + plane * height * width).update(repeating: 0, count: height * width)
          for row in 0..<rows {
            let target = unsafe dx + (plane * height + ys[row]) * width
            let source = unsafe gradient.storage.pointer + (plane * rows + row) * columns
            for column in 0..<columns { unsafe target[xs[column]] += source[column] }
          }
        }
      }
    }
  }

  /// For each index of a padded axis, the index it mirrors.
  private static func mirrored(_ length: Int, _ width: Int) -> [Int] {
    (-width..<length + width).map { index in
      index < 0 ? -index : index >= length ? 2 * (length - 1) - index : index
    }
  }

  static func reflectPad(_ x: Tensor, _ width: Int) -> Evaluation {
    let (height, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
    guard width < height && width < columns else { bug("reflectPad: \(x.shape) by \(width)") }
    let (ys, xs) = (mirrored(height, width), mirrored(columns, width))
    let shape = x.shape.dropLast(2) + [ys.count, xs.count]
    let output = unsafe Tensor(shape: Array(shape)) { y in
      for plane in 0..<x.count / (height * columns) {
        for (row, source) in ys.enumerated() {
          for (column, from) in xs.enumerated() {
            unsafe y[(plane * ys.count + row) * xs.count + column] =
              unsafe x.storage.pointer[(plane * height + source) * columns + from]
          }
        }
      }
    }
    return Evaluation(output: output)
  }

  static func reflectPadPullback(_ gradient: Tensor, _ shape: [Int], _ width: Int) -> Tensor {
    let (height, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let (ys, xs) = (mirrored(height, width), mirrored(columns, width))
    return unsafe Tensor(shape: shape) { dx in
      unsafe dx.update(repeating: 0, count: shape.reduce(1, *))
      for plane in 0..<gradient.count / (ys.count * xs.count) {
        for (row, target) in ys.enumerated() {
          for (column, to) in xs.enumerated() {
            unsafe dx[(plane * height + target) * columns + to] +=
              gradient.storage.pointer[(plane * ys.count + row) * xs.count + column]
          }
        }
      }
    }
  }
}
