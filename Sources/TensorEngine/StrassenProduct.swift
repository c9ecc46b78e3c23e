private import CKernels

// Unsafe: kernels in C take addresses: of factors that the caller keeps alive, and of storages whose sizes
// follow from the extents.

/// A product of matrices by Winograd's variant of Strassen's algorithm, one level deep: seven products of quarters
/// in the place of eight.
///
/// The sums of the right factor's quarters are made when it is packed, and those of the left one once for all columns.
/// Errors are a few times those of the direct sum, measured by the largest numbers of both factors.
///
/// - Reference: Strassen, Gaussian Elimination is not Optimal, Numer. Math. 13, 1969; Winograd's variant as in
///   Douglas et al., GEMMW, J. Comput. Phys. 110, 1994, and Higham, Accuracy and Stability of Numerical
///   Algorithms, section 23.2.2, whose names the parts have.
@safe struct StrassenProduct {
  /// The right factor's extents, both even: the rows and the columns.
  let inner, columns: Int

  /// Least extents of a right factor: of smaller ones the sums take what the product saves.
  private static let least = 512
  private static let panel = CK_PANEL
  /// The products, in the order in which they are made.
  private static let products = 7
  /// Rows of a half that a thread takes at a time.
  private static let block = 2 * CK_TILE

  /// - Parameters:
  ///   - inner: rows of the right factor.
  ///   - columns: its columns.
  /// - Returns: `nil` where the direct product is to be preferred: for small factors, and where kernels multiply
  ///   with matrix units.
  init?(inner: Int, columns: Int) {
    guard min(inner, columns) >= Self.least, inner % 2 == 0, columns % 2 == 0,
      ck_packs_factors() == 0
    else { return nil }
    (self.inner, self.columns) = (inner, columns)
  }

  private var halfColumns: Int { columns / 2 }
  private var halfInner: Int { inner / 2 }
  /// Floats of a panel of one quarter.
  private var panelSize: Int { ck_panel_size(halfInner) }
  private var panels: Int { (halfColumns + Self.panel - 1) / Self.panel }

  // MARK: - Packing

  /// A right factor, the transpose of `weight`, as its seven sums of quarters, those of a panel's columns side by
  /// side.
  func packed(_ weight: Weight) -> Storage {
    let packed = Storage(count: panels * Self.products * panelSize)
    Parallel.ranges(halfColumns, grain: Self.panel) { part in
      let first = part.lowerBound / Self.panel * Self.products * panelSize
      let target = unsafe packed.pointer + first
      unsafe weight.withRows(part, 0..<inner) { left, leftStride in
        let other = part.lowerBound + halfColumns..<part.upperBound + halfColumns
        unsafe weight.withRows(other, 0..<inner) { right, rightStride in
          unsafe pack(
            Quarters(b11: left, b12: right, halfInner, (leftStride, rightStride)), part.count,
            into: target)
        }
      }
    }
    return packed
  }

  /// Rows of the weight: columns of the right factor in its left and right half, and there the upper and the lower
  /// half.
  @safe private struct Quarters {
    let b11, b12, b21, b22: UnsafePointer<Float>
    let stride: (left: Int, right: Int)

    init(
      b11: UnsafePointer<Float>, b12: UnsafePointer<Float>, _ half: Int, _ stride: (Int, Int)
    ) {
      unsafe (self.b11, self.b12) = (b11, b12)
      unsafe (b21, b22) = (b11 + half, b12 + half)
      self.stride = stride
    }
  }

  private func pack(
    _ b: Quarters, _ count: Int, into target: UnsafeMutablePointer<Float>
  ) {
    let half = halfInner
    let sums = Storage(count: 4 * count * half)
    func sum(_ index: Int) -> UnsafeMutablePointer<Float> {
      unsafe sums.pointer + index * count * half
    }
    for row in 0..<count {
      let (left, right, at) = (row * b.stride.left, row * b.stride.right, row * half)
      let (t1, t2) = unsafe (sum(0) + at, sum(1) + at)
      let (t3, t4) = unsafe (sum(2) + at, sum(3) + at)
      for k in 0..<half {
        let (b11, b21) = unsafe (b.b11[left + k], b.b21[left + k])
        let (b12, b22) = unsafe (b.b12[right + k], b.b22[right + k])
        unsafe t1[k] = b12 - b11
        unsafe t2[k] = unsafe b22 - t1[k]
        unsafe t3[k] = b22 - b12
        // Negative, so that its product is added as all others are.
        unsafe t4[k] = unsafe b21 - t2[k]
      }
    }
    let parts: [(UnsafePointer<Float>, Int)] = unsafe [
      (b.b11, b.stride.left), (b.b21, b.stride.left), (UnsafePointer(sum(1)), half),
      (UnsafePointer(sum(0)), half), (b.b22, b.stride.right), (UnsafePointer(sum(2)), half),
      (UnsafePointer(sum(3)), half),
    ]
    for index in 0..<Self.products {
      let (from, stride) = unsafe parts[index]
      unsafe ck_pack(from, stride, count, half, target + index * panelSize)
    }
    withExtendedLifetime(sums) {}
  }

  // MARK: - Multiplying

  /// `y` `[rows, columns]` = `x` `[rows, inner]` times the packed factor, plus `bias` in each row.
  func multiply(
    _ x: UnsafePointer<Float>, rows: Int, _ packed: Storage, _ bias: Storage?,
    into y: UnsafeMutablePointer<Float>
  ) {
    let upper = (rows + 1) / 2
    let sums = Storage(count: 4 * upper * halfInner)
    let offsets = Storage(count: columns)
    if let bias {
      unsafe offsets.pointer.update(from: bias.pointer, count: columns)
    } else {
      unsafe offsets.pointer.update(repeating: 0, count: columns)
    }
    Parallel.ranges(upper, grain: Self.block) { part in
      for row in part { unsafe sum(x, row, rows, into: sums) }
    }
    let blocks = (upper + Self.block - 1) / Self.block
    Parallel.forEach(panels * blocks) { index in
      let (panel, first) = (index / blocks, index % blocks * Self.block)
      unsafe multiply(
        x, first..<min(first + Self.block, upper), of: rows, sums,
        packed.pointer + panel * Self.products * panelSize, panel * Self.panel, offsets, into: y)
    }
  }

  /// S1 to S4 of a row of the upper half and that of the lower half, which the last may lack: zeros are there then.
  private func sum(_ x: UnsafePointer<Float>, _ row: Int, _ rows: Int, into sums: Storage) {
    let (upper, half) = ((rows + 1) / 2, halfInner)
    let (a11, a12) = unsafe (x + row * inner, x + row * inner + half)
    func target(_ index: Int) -> UnsafeMutablePointer<Float> {
      unsafe sums.pointer + (index * upper + row) * half
    }
    let (s1, s2) = unsafe (target(0), target(1))
    let (s3, s4) = unsafe (target(2), target(3))
    guard upper + row < rows else {
      for k in 0..<half {
        unsafe s1[k] = 0
        unsafe s2[k] = unsafe -a11[k]
        unsafe s3[k] = unsafe a11[k]
        unsafe s4[k] = unsafe a12[k] + a11[k]
      }
      return
    }
    let a21 = unsafe x + (upper + row) * inner
    let a22 = unsafe a21 + half
    for k in 0..<half {
      let lower = unsafe a21[k]
      unsafe s1[k] = unsafe lower + a22[k]
      unsafe s2[k] = unsafe s1[k] - a11[k]
      unsafe s3[k] = unsafe a11[k] - lower
      unsafe s4[k] = unsafe a12[k] - s2[k]
    }
  }

  /// The products of some rows of both halves with the panels of some columns of both halves.
  private func multiply(
    _ x: UnsafePointer<Float>, _ part: Range<Int>, of rows: Int, _ sums: Storage,
    _ packed: UnsafePointer<Float>, _ column: Int, _ offsets: Storage,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (upper, half, width) = ((rows + 1) / 2, halfInner, Self.panel)
    let some = min(width, halfColumns - column)
    let lower = min(part.upperBound, rows - upper) - part.lowerBound
    let scratch = Storage(count: 2 * part.count * width)
    let (u, p5) = unsafe (scratch.pointer, scratch.pointer + part.count * width)
    func s(_ number: Int) -> UnsafePointer<Float> {
      unsafe UnsafePointer(sums.pointer) + ((number - 1) * upper + part.lowerBound) * half
    }
    func c(_ row: Int, _ column: Int) -> UnsafeMutablePointer<Float> {
      unsafe y + (row * upper + part.lowerBound) * columns + column
    }
    /// Adds, or puts, a product of a left part with the panel of the given number.
    func product(
      _ left: UnsafePointer<Float>, _ stride: Int, _ number: Int,
      _ target: UnsafeMutablePointer<Float>, _ targetStride: Int, _ count: Int, adding: Bool
    ) {
      unsafe ck_panel_product(
        left, stride, 1, packed + number * panelSize, width, adding ? target : nil, targetStride,
        target, targetStride, count, some, half)
    }
    /// Begins a quarter of the result with what was summed, and with the fifth product.
    func begin(_ target: UnsafeMutablePointer<Float>, _ count: Int, _ first: Int, with5: Bool) {
      for row in 0..<count {
        let out = unsafe target + row * columns
        unsafe ck_add(u + row * width, offsets.pointer + first, out, some)
        if with5 { unsafe ck_add(out, p5 + row * width, out, some) }
      }
    }
    let (a11, a12) = unsafe (
      x + part.lowerBound * inner, x + part.lowerBound * inner + half
    )
    let (c11, c12) = unsafe (c(0, column), c(0, halfColumns + column))
    unsafe product(a11, inner, 0, u, width, part.count, adding: false)
    unsafe begin(c11, part.count, column, with5: false)
    unsafe product(a12, inner, 1, c11, columns, part.count, adding: true)
    unsafe product(s(2), half, 2, u, width, part.count, adding: true)
    unsafe product(s(1), half, 3, p5, width, part.count, adding: false)
    unsafe begin(c12, part.count, halfColumns + column, with5: true)
    unsafe product(s(4), half, 4, c12, columns, part.count, adding: true)
    guard lower > 0 else { return }
    let (c21, c22) = unsafe (c(1, column), c(1, halfColumns + column))
    let a22 = unsafe x + (upper + part.lowerBound) * inner + half
    unsafe product(s(3), half, 5, u, width, lower, adding: true)
    unsafe begin(c22, lower, halfColumns + column, with5: true)
    unsafe begin(c21, lower, column, with5: false)
    unsafe product(a22, inner, 6, c21, columns, lower, adding: true)
    withExtendedLifetime(scratch) {}
  }
}
