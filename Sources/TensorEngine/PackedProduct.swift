private import CKernels

// Unsafe: kernels in C take addresses. The caller keeps the factors alive; panels have storage of
// their own.

/// A product of matrices whose right factor is packed, some panels of its columns at a time.
///
/// A panel lies in one piece as the kernels want it, whatever the layout of the matrix it was taken from. A
/// factor never exists whole in another layout or precision: each thread packs panels of its own, which stay in its
/// cache while it multiplies the rows with them.
@safe struct PackedProduct {
  /// The left factor: `[rows, inner]` in one piece.
  let left: UnsafePointer<Float>
  let rows: Int
  let columns: Int
  let inner: Int

  /// What the sums begin with.
  @safe enum Start {
    case zeros
    /// The same row for all.
    case row(UnsafePointer<Float>)
    /// What the output holds.
    case output
  }

  private static let panel = CK_PANEL
  /// Floats of the panels that are multiplied with some rows before the next rows: they stay in the
  /// cache.
  private static let packedFloats = 1 << 17
  /// Terms that are packed at a time; a multiple of those that kernels sum at a time.
  private static let depth = 3 << 9
  /// Rows for which it pays to pack panels that another thread packs, too, in the place of being idle.
  private static let fewestRows = 2 * CK_TILE
  /// Parts into which the work is cut for each thread, if it is large enough: the last ones to end keep the others
  /// waiting for no longer than a part takes.
  private static let partsForThread = 8

  /// Puts the product, added to what it begins with, into `output` `[rows, columns]`.
  ///
  /// - Parameter pack: writes the given terms of the given columns of the right factor as panels.
  func put(
    into output: UnsafeMutablePointer<Float>, from start: Start,
    pack: (_ columns: Range<Int>, _ terms: Range<Int>, _ panels: UnsafeMutablePointer<Float>) ->
      Void
  ) {
    let size = ck_panel_size(min(inner, Self.depth))
    forEachPart(panelSize: size) { rows, part in
      let packed = Storage(count: (part.count + Self.panel - 1) / Self.panel * size)
      for first in stride(from: 0, to: inner, by: Self.depth) {
        let terms = first..<min(first + Self.depth, inner)
        unsafe pack(part, terms, packed.pointer)
        unsafe multiply(
          rows, part, terms, packed.pointer, into: output, from: first == 0 ? start : .output)
      }
    }
  }

  /// Puts the product into `output` `[rows, columns]`, as above, with all columns of the right factor packed.
  func put(
    into output: UnsafeMutablePointer<Float>, from start: Start, packed: UnsafePointer<Float>
  ) {
    let size = ck_panel_size(inner)
    forEachPart(panelSize: size) { rows, part in
      let panels = unsafe packed + part.lowerBound / Self.panel * size
      unsafe multiply(rows, part, 0..<inner, panels, into: output, from: start)
    }
  }

  /// Calls `body` for parts of the output, several at a time: no result depends on how it is cut.
  private func forEachPart(
    panelSize: Int, _ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
  ) {
    let panels = (columns + Self.panel - 1) / Self.panel
    let wanted = Self.partsForThread * Parallel.threads
    let together = max(1, min(Self.packedFloats / panelSize, panels / wanted))
    let groups = (panels + together - 1) / together
    let parts = max(1, min(rows / Self.fewestRows, (wanted + groups - 1) / groups))
    let height = ((rows + parts - 1) / parts + CK_TILE - 1) / CK_TILE * CK_TILE
    let slices = (rows + height - 1) / height
    Parallel.forEach(groups * slices) { index in
      let (row, column) = (index % slices * height, index / slices * together * Self.panel)
      body(
        row..<min(row + height, rows),
        column..<min(column + together * Self.panel, columns))
    }
  }

  /// Multiplies some terms of some rows with the `packed` panels of some columns.
  private func multiply(
    _ rows: Range<Int>, _ part: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>, from start: Start
  ) {
    let target = unsafe output + rows.lowerBound * columns + part.lowerBound
    let (from, stride): (UnsafePointer<Float>?, Int) =
      switch start {
      case .zeros: (nil, 0)
      case .row(let row): unsafe (row + part.lowerBound, 0)
      case .output: unsafe (UnsafePointer(target), columns)
      }
    unsafe ck_panel_product(
      left + rows.lowerBound * inner + terms.lowerBound, inner, 1, packed, Self.panel, from, stride,
      target, columns, rows.count, part.count, terms.count)
  }
}
