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

  /// Puts the product, added to what it begins with, into `output` `[rows, columns]`.
  ///
  /// - Parameter pack: writes the given terms of the given columns of the right factor as panels.
  func put(
    into output: UnsafeMutablePointer<Float>, from start: Start,
    pack: (_ columns: Range<Int>, _ terms: Range<Int>, _ panels: UnsafeMutablePointer<Float>) ->
      Void
  ) {
    let size = ck_panel_size(min(inner, Self.depth))
    forEachPart { rows, part in
      let packed = Storage(count: Self.panels(part.count) * size)
      for terms in Self.blocks(inner) {
        unsafe pack(part, terms, packed.pointer)
        unsafe multiply(rows, part, terms, packed.pointer, into: output, from: start)
      }
    }
  }

  /// Puts the product into `output` `[rows, columns]`, as above, with a right factor that is packed.
  func put(
    into output: UnsafeMutablePointer<Float>, from start: Start, packed: Storage
  ) {
    forEachPart { rows, part in
      for terms in Self.blocks(inner) {
        let offset = Self.offset(of: part.lowerBound, terms, columns: columns)
        unsafe multiply(
          rows, part, terms, packed.pointer + offset, into: output, from: start)
      }
    }
  }

  /// A whole right factor as ``put(into:from:packed:)`` takes it: of all columns some terms, and then the next.
  static func packed(
    columns: Int, inner: Int,
    pack: (_ columns: Range<Int>, _ terms: Range<Int>, _ panels: UnsafeMutablePointer<Float>) ->
      Void
  ) -> Storage {
    let packed = Storage(count: panels(columns) * ck_panel_size(inner))
    Parallel.ranges(columns, grain: panel) { part in
      for terms in blocks(inner) {
        unsafe pack(
          part, terms, packed.pointer + offset(of: part.lowerBound, terms, columns: columns))
      }
    }
    return packed
  }

  /// The panels of some columns.
  private static func panels(_ columns: Int) -> Int { (columns + panel - 1) / panel }

  /// The terms that are packed at a time.
  private static func blocks(_ inner: Int) -> [Range<Int>] {
    stride(from: 0, to: inner, by: depth).map { $0..<min($0 + depth, inner) }
  }

  /// Where the panel that begins with `column` lies in a packed factor.
  private static func offset(of column: Int, _ terms: Range<Int>, columns: Int) -> Int {
    panels(columns) * ck_panel_size(terms.lowerBound)
      + column / panel * ck_panel_size(terms.count)
  }

  /// Calls `body` for parts of the output, several at a time: no result depends on how it is cut.
  private func forEachPart(_ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    let panels = Self.panels(columns)
    let wanted = Parallel.parts
    let fitting = Self.packedFloats / ck_panel_size(min(inner, Self.depth))
    let together = max(1, min(fitting, panels / wanted))
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

  /// Multiplies some terms of some rows with the `packed` panels of some columns; the first of them begin the sums.
  private func multiply(
    _ rows: Range<Int>, _ part: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>, from start: Start
  ) {
    let target = unsafe output + rows.lowerBound * columns + part.lowerBound
    let (from, stride): (UnsafePointer<Float>?, Int) =
      switch terms.lowerBound == 0 ? start : .output {
      case .zeros: (nil, 0)
      case .row(let row): unsafe (row + part.lowerBound, 0)
      case .output: unsafe (UnsafePointer(target), columns)
      }
    unsafe ck_panel_product(
      left + rows.lowerBound * inner + terms.lowerBound, inner, 1, packed, Self.panel, from, stride,
      target, columns, rows.count, part.count, terms.count)
  }
}
