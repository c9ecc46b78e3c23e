private import CKernels

// Unsafe: kernels in C take addresses. The caller keeps the factors alive, and sizes within their
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

  /// Floats from one row to the next, in the sense in which the matrix is read.
  private var rowStride: Int { transposed ? 1 : stride }
  /// Floats from one column to the next.
  private var columnStride: Int { transposed ? stride : 1 }

  /// The part from `row` on, in the untransposed or transposed sense in which the matrix is read.
  func fromRow(_ row: Int) -> Matrix {
    unsafe Matrix(base + row * rowStride, stride: stride, transposed: transposed)
  }

  /// The part from `column` on, in the sense in which the matrix is read.
  func fromColumn(_ column: Int) -> Matrix {
    unsafe Matrix(base + column * columnStride, stride: stride, transposed: transposed)
  }

  /// Packs the first `columns` columns of the first `inner` rows as one panel of a right factor.
  fileprivate func pack(columns: Int, inner: Int, into panel: UnsafeMutablePointer<Float>) {
    if transposed {
      unsafe ck_pack(base, stride, columns, inner, panel)
    } else {
      unsafe ck_pack_rows(base, stride, columns, inner, panel)
    }
  }
}

extension Matrix {
  private static let panel = CK_PANEL
  /// Rows of panels, and panels, that are packed and multiplied at a time: they stay in the cache.
  private static let depth = 512
  private static let mostPanels = 4
  /// Up to so many rows, to copy the right factor costs more than it saves.
  static let fewRows = 12
  /// A right factor of at most so many floats lies in the cache as it is.
  private static let fewFloats = 1 << 13

  /// `output = left * right`, added to what is there with `adding`, on one thread.
  ///
  /// `left` reads as `[rows, inner]`, `right` as `[inner, columns]`; `output` is
  /// `[rows, columns]` with rows `outputStride` apart.
  static func multiply(
    _ left: Matrix, _ right: Matrix, into output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, adding: Bool = false
  ) {
    guard rows > 0, columns > 0 else { return }
    if rows <= fewRows || inner * columns <= fewFloats, !right.transposed {
      return unsafe ck_product(
        left.base, left.rowStride, left.columnStride, right.base, right.stride, output,
        outputStride, rows, columns, inner, adding ? 1 : 0)
    }
    if rows <= fewRows, !left.transposed {
      for column in 0..<columns {
        for row in 0..<rows {
          let sum = unsafe ck_dot(
            left.base + row * left.stride, right.base + column * right.stride, inner)
          let place = unsafe output + row * outputStride + column
          unsafe place.pointee = adding ? place.pointee + sum : sum
        }
      }
      return
    }
    // Panels of even width: a last one of few columns would take as long as a whole one.
    let panels = (columns + panel - 1) / panel
    let width = ((columns + panels - 1) / panels + 15) / 16 * 16
    let together = min(panels, mostPanels)
    let packed = Storage(count: together * ck_panel_size(min(inner, depth)))
    let lines = left.transposed ? Storage(count: panel * min(inner, depth)) : nil
    for column in Swift.stride(from: 0, to: columns, by: together * width) {
      let part = column..<min(column + together * width, columns)
      for first in Swift.stride(from: 0, to: inner, by: depth) {
        let terms = min(depth, inner - first)
        let (left, right) = (left.fromColumn(first), right.fromRow(first))
        for (index, column) in Swift.stride(from: column, to: part.upperBound, by: width)
          .enumerated()
        {
          unsafe right.fromColumn(column).pack(
            columns: min(width, part.upperBound - column), inner: terms,
            into: packed.pointer + index * ck_panel_size(terms))
        }
        for row in Swift.stride(from: 0, to: rows, by: CK_TILE) {
          let some = min(CK_TILE, rows - row)
          var tile = left.fromRow(row)
          if let lines {
            // Neighbouring rows side by side: far apart, they would take the same places of the cache.
            for term in 0..<terms {
              unsafe (lines.pointer + term * panel)
                .update(from: tile.base + term * tile.stride, count: some)
            }
            tile = unsafe Matrix(lines.pointer, stride: panel, transposed: true)
          }
          let target = unsafe output + row * outputStride + column
          unsafe ck_panel_product(
            tile.base, tile.rowStride, tile.columnStride, packed.pointer, width,
            adding || first > 0 ? target : nil, outputStride, target, outputStride, some,
            part.count,
            terms)
        }
      }
    }
  }

  /// As ``multiply(_:_:into:outputStride:rows:columns:inner:adding:)``, on all threads.
  ///
  /// The output is halved along its longer side into up to 32 blocks, as long as they stay large
  /// enough that packing the right factor for each of them costs little.
  static func multiplyInParallel(
    _ left: Matrix, _ right: Matrix, into output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, columns: Int, inner: Int, adding: Bool = false
  ) {
    let (mostParts, smallestSide, smallestWork) = (32, 96, 1 << 20)
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
        columns: min(width, columns - column), inner: inner, adding: adding)
    }
  }
}
