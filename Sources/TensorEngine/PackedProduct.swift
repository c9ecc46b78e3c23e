private import CKernels

// Unsafe: kernels in C take addresses. The caller keeps the factors alive; panels have storage of
// their own.

/// A product of matrices whose right factor is packed, some panels of its columns at a time.
///
/// A panel lies in one piece as the kernels want it, whatever the layout of the matrix it was taken from. A
/// factor is read once and never exists whole in another layout or precision. Work is cut into many parts,
/// so that 32 threads are busy: where there are many rows, all threads pack panels, and then each
/// multiplies some rows with some of them; where there are few, each thread packs panels of its own.
@safe struct PackedProduct {
  /// The left factor: `[rows, inner]` in one piece.
  let left: UnsafePointer<Float>
  let rows: Int
  let columns: Int
  let inner: Int

  private static let panel = CK_PANEL
  /// Floats of the panels that are multiplied with some rows before the next rows: they stay in the
  /// cache.
  private static let packedFloats = 1 << 17
  /// Floats of the panels that threads share.
  private static let sharedFloats = 1 << 21
  /// Rows that a thread multiplies with shared panels at a time.
  private static let block = 2 * CK_TILE

  /// Adds the product to `output` `[rows, columns]`, after `begin` has put there what it begins with.
  ///
  /// - Parameters:
  ///   - begin: fills the given rows and columns of the output.
  ///   - pack: writes the given columns of the right factor as a panel.
  func add(
    to output: UnsafeMutablePointer<Float>,
    begin: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void,
    pack: (_ columns: Range<Int>, _ panel: UnsafeMutablePointer<Float>) -> Void
  ) {
    let (panel, size) = (Self.panel, ck_panel_size(inner))
    let fitting = max(1, Self.packedFloats / size)
    guard rows >= 4 * Self.block else {
      // Neighbouring panels write to the same rows.
      let together = max(1, min(fitting, columns / panel / 32))
      return Parallel.ranges(columns, grain: together * panel) { part in
        let packed = unsafe packed(part, pack)
        unsafe multiply(0..<rows, part, packed.pointer, into: output, begin)
      }
    }
    let shared = max(fitting, Self.sharedFloats / size / fitting * fitting) * panel
    for first in stride(from: 0, to: columns, by: shared) {
      let part = first..<min(first + shared, columns)
      let panels = Storage(count: (part.count + panel - 1) / panel * size)
      Parallel.ranges(part.count, grain: panel) { columns in
        unsafe pack(
          first + columns.lowerBound..<first + columns.upperBound,
          panels.pointer + columns.lowerBound / panel * size)
      }
      unsafe multiplyAll(part, panels.pointer, into: output, begin)
    }
  }

  /// Adds the product to `output` `[rows, columns]`, as above, with all columns of the right factor packed.
  func add(
    to output: UnsafeMutablePointer<Float>, packed: UnsafePointer<Float>,
    begin: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
  ) {
    guard rows >= 4 * Self.block else {
      let (panel, size) = (Self.panel, ck_panel_size(inner))
      let together = max(1, min(Self.packedFloats / size, columns / panel / 32))
      return Parallel.ranges(columns, grain: together * panel) { part in
        unsafe multiply(
          0..<rows, part, packed + part.lowerBound / panel * size, into: output, begin)
      }
    }
    unsafe multiplyAll(0..<columns, packed, into: output, begin)
  }

  /// Adds the product of all rows with the `packed` panels of some columns, on all threads.
  private func multiplyAll(
    _ part: Range<Int>, _ packed: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>,
    _ begin: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
  ) {
    let (panel, size) = (Self.panel, ck_panel_size(inner))
    let fitting = max(1, Self.packedFloats / size)
    let blocks = (rows + Self.block - 1) / Self.block
    let groups = (part.count + fitting * panel - 1) / (fitting * panel)
    Parallel.forEach(groups * blocks) { index in
      let (group, row) = (index / blocks * fitting, index % blocks * Self.block)
      let column = part.lowerBound + group * panel
      unsafe multiply(
        row..<min(row + Self.block, rows),
        column..<min(column + fitting * panel, part.upperBound), packed + group * size,
        into: output, begin)
    }
  }

  /// The panels of some columns.
  private func packed(
    _ columns: Range<Int>, _ pack: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) -> Storage {
    let (panel, size) = (Self.panel, ck_panel_size(inner))
    let packed = Storage(count: (columns.count + panel - 1) / panel * size)
    let firsts = stride(from: columns.lowerBound, to: columns.upperBound, by: panel)
    for (index, first) in firsts.enumerated() {
      unsafe pack(first..<min(first + panel, columns.upperBound), packed.pointer + index * size)
    }
    return packed
  }

  /// Adds the product of some rows with the `packed` panels of some columns.
  private func multiply(
    _ rows: Range<Int>, _ part: Range<Int>, _ packed: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>,
    _ begin: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
  ) {
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: CK_TILE) {
      let some = first..<min(first + CK_TILE, rows.upperBound)
      begin(some, part)
      unsafe ck_panel_product(
        left + first * inner, inner, 1, packed, Self.panel,
        output + first * columns + part.lowerBound, columns, some.count, part.count, inner, 1)
    }
  }
}
