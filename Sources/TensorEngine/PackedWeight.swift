private import CKernels

// Unsafe: kernels in C take addresses. Panels have storage of their own, which the shape sizes.

/// A layer's matrix as products read it, packed once for as many products as there are.
///
/// Where a factor has few rows, as a picture's patches are, to pack the weight anew takes a sixth of the product's
/// time, and more where it is split for matrix units. A large matrix is packed for Strassen's algorithm, and takes seven
/// quarters of what it takes in float32; others take as much as that.
package struct PackedWeight: Sendable {
  /// Shape `[out, in]`, as it was; empty if it was missing.
  let weight: Weight
  let panels: Storage
  /// How it is packed, where it is large; `nil` for panels of ``PackedProduct``.
  let strassen: StrassenProduct?

  /// Packs a weight `[out, in]` for the instruction set and precision that are set now.
  package init(_ weight: Weight) {
    self.weight = weight
    guard weight.shape.count == 2 else {
      (panels, strassen) = (Storage(count: 0), nil)
      return
    }
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    strassen = StrassenProduct(inner: inner, columns: columns)
    panels = strassen?.packed(weight) ?? Self.panels(weight, columns: columns, inner: inner)
    weight.release()
  }

  private static func panels(_ weight: Weight, columns: Int, inner: Int) -> Storage {
    let (panel, size) = (CK_PANEL, ck_panel_size(inner))
    let panels = Storage(count: (columns + panel - 1) / panel * size)
    Parallel.ranges(columns, grain: panel) { part in
      unsafe weight.pack(part, 0..<inner, into: panels.pointer + part.lowerBound / panel * size)
    }
    return panels
  }
}
