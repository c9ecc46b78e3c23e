private import COpenBLAS

/// A row-major matrix in memory: its address and the distance between rows, in floats.
package struct Matrix {
  let base: UnsafePointer<Float>
  let stride: Int
  let transposed: Bool

  init(_ base: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
    self.base = base
    self.stride = stride
    self.transposed = transposed
  }

  /// The part from `row` on, in the untransposed or transposed sense in which the matrix is read.
  func fromRow(_ row: Int) -> Matrix {
    Matrix(base + (transposed ? row : row * stride), stride: stride, transposed: transposed)
  }

  /// The part from `column` on, in the sense in which the matrix is read.
  func fromColumn(_ column: Int) -> Matrix {
    Matrix(base + (transposed ? column * stride : column), stride: stride, transposed: transposed)
  }
}

extension Matrix {
  /// Keeps OpenBLAS on the calling thread, before its first product: its pool and ``Parallel``'s
  /// must not multiply.
  private static let onOneThread: Void = openblas_set_num_threads(1)

  /// `output = alpha * left * right + beta * output` on one thread.
  ///
  /// `left` reads as `[rows, inner]`, `right` as `[inner, columns]`; `output` is
  /// `[rows, columns]` with rows `outputStride` apart.
  static func multiply(
    _ left: Matrix, _ right: Matrix, into output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, alpha: Float = 1, beta: Float = 0
  ) {
    guard rows > 0, columns > 0 else { return }
    onOneThread
    cblas_sgemm(
      CblasRowMajor, left.transposed ? CblasTrans : CblasNoTrans,
      right.transposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
      blasint(inner), alpha, left.base, blasint(left.stride), right.base, blasint(right.stride),
      beta, output, blasint(outputStride))
  }

  /// As ``multiply(_:_:into:outputStride:rows:columns:inner:alpha:beta:)``, on all threads.
  ///
  /// The longer side of the output is halved into blocks, as long as they stay large enough that
  /// packing the other factor for each of them costs little.
  static func multiplyInParallel(
    _ left: Matrix, _ right: Matrix, into output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, alpha: Float = 1, beta: Float = 0
  ) {
    let (mostParts, smallestLength, smallestWork) = (16, 96, 1 << 17)
    let byRows = rows >= columns
    let length = byRows ? rows : columns
    var parts = 1
    while parts < mostParts, length / (2 * parts) >= smallestLength,
      rows * columns * inner / (2 * parts) >= smallestWork
    { parts *= 2 }
    let grain = ((length + parts - 1) / parts + 15) / 16 * 16
    Parallel.ranges(length, grain: grain) { part in
      multiply(
        byRows ? left.fromRow(part.lowerBound) : left,
        byRows ? right : right.fromColumn(part.lowerBound),
        into: output + (byRows ? part.lowerBound * outputStride : part.lowerBound),
        outputStride: outputStride, rows: byRows ? part.count : rows,
        columns: byRows ? columns : part.count, inner: inner, alpha: alpha, beta: beta)
    }
  }
}
