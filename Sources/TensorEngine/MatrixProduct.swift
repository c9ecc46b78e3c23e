private import COpenBLAS

// Unsafe: OpenBLAS takes addresses. The caller keeps the factors alive, and sizes within their
// strides.

/// A row-major matrix in memory: its address and the distance between rows, in floats.
@safe package struct Matrix {
  let base: UnsafePointer<Float>
  let stride: Int
  let transposed: Bool

  init(_ base: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
    unsafe self.base = unsafe base
    self.stride = stride
    self.transposed = transposed
  }

  /// The part from `row` on, in the untransposed or transposed sense in which the matrix is read.
  func fromRow(_ row: Int) -> Matrix {
    unsafe Matrix(base + (transposed ? row : row * stride), stride: stride, transposed: transposed)
  }

  /// The part from `column` on, in the sense in which the matrix is read.
  func fromColumn(_ column: Int) -> Matrix {
    unsafe Matrix(
      base + (transposed ? column * stride : column), stride: stride, transposed: transposed)
  }
}

extension Matrix {
  /// `output = alpha * left * right + beta * output` on one thread.
  ///
  /// `left` reads as `[rows, inner]`, `right` as `[inner, columns]`; `output` is
  /// `[rows, columns]` with rows `outputStride` apart.
  static func multiply(
    _ left: Matrix, _ right: Matrix, into output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, alpha: Float = 1, beta: Float = 0
  ) {
    guard rows > 0, columns > 0 else { return }
    Engine.withBLASOnOneThread {
      unsafe cblas_sgemm(
        CblasRowMajor, left.transposed ? CblasTrans : CblasNoTrans,
        right.transposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
        blasint(inner), alpha, left.base, blasint(left.stride), right.base, blasint(right.stride),
        beta, output, blasint(outputStride))
    }
  }

  /// As ``multiply(_:_:into:outputStride:rows:columns:inner:alpha:beta:)``, on all threads.
  ///
  /// The output is halved along its longer side into up to eight blocks, as long as they stay large
  /// enough that packing both factors for each of them costs little.
  static func multiplyInParallel(
    _ left: Matrix, _ right: Matrix, into output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, alpha: Float = 1, beta: Float = 0
  ) {
    let (mostParts, smallestSide, smallestWork) = (8, 96, 1 << 17)
    var (rowParts, columnParts) = (1, 1)
    while rowParts * columnParts < mostParts {
      let (height, width) = (rows / rowParts, columns / columnParts)
      guard max(height, width) >= 2 * smallestSide, height * width * inner >= 2 * smallestWork
      else { break }
      if height >= width { rowParts *= 2 } else { columnParts *= 2 }
    }
    let height = ((rows + rowParts - 1) / rowParts + 15) / 16 * 16
    let width = ((columns + columnParts - 1) / columnParts + 15) / 16 * 16
    Parallel.forEach(rowParts * columnParts) { part in
      let (row, column) = (part / columnParts * height, part % columnParts * width)
      unsafe multiply(
        left.fromRow(row), right.fromColumn(column), into: output + row * outputStride + column,
        outputStride: outputStride, rows: min(height, rows - row),
        columns: min(width, columns - column), inner: inner, alpha: alpha, beta: beta)
    }
  }
}
