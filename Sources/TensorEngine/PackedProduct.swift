private import CKernels

// Unsafe: kernels in C take addresses. The caller keeps the factors alive; panels have storage of
// their own.

/// A product of matrices whose right factor is packed, some panels of its columns at a time.
///
/// A panel lies in one piece as the kernels want it, whatever the layout of the matrix it was taken from.
/// Each thread packs panels of its own and multiplies all rows with them, so that a factor is read
/// once and never exists whole in another layout or precision.
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
    // Neighbouring panels write to the same rows; there are at least eight parts for threads.
    let together = max(1, min(Self.packedFloats / size, columns / panel / 8))
    Parallel.ranges(columns, grain: together * panel) { part in
      let firsts = stride(from: part.lowerBound, to: part.upperBound, by: panel)
      let packed = Storage(count: (part.count + panel - 1) / panel * size)
      for (index, first) in firsts.enumerated() {
        unsafe pack(
          first..<min(first + panel, part.upperBound), packed.pointer + index * size)
      }
      for first in stride(from: 0, to: rows, by: CK_TILE) {
        let some = first..<min(first + CK_TILE, rows)
        begin(some, part)
        unsafe ck_panel_product(
          left + first * inner, inner, 1, packed.pointer, panel,
          output + first * columns + part.lowerBound, columns, some.count, part.count, inner, 1)
      }
    }
  }
}
