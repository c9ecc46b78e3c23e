private import CKernels

// Unsafe: kernels in C take addresses. Panels have storage of their own, which the shape sizes.

/// A layer's matrix as products read it, packed once for as many products as there are.
///
/// It takes as much memory as in float32. Where a factor has few rows, as a picture's patches are, to pack the
/// weight anew takes a sixth of the product's time, and more where it is split for matrix units.
package struct PackedWeight: Sendable {
  /// `[out, in]`; empty for a weight that was missing.
  package let shape: [Int]
  let panels: Storage

  /// Packs a weight `[out, in]` for the instruction set and precision that are set now.
  package init(_ weight: Weight) {
    shape = weight.shape
    guard shape.count == 2 else {
      panels = Storage(count: 0)
      return
    }
    let (columns, inner) = (shape[0], shape[1])
    let (panel, size) = (CK_PANEL, ck_panel_size(inner))
    let panels = Storage(count: (columns + panel - 1) / panel * size)
    Parallel.ranges(columns, grain: panel) { part in
      unsafe weight.withRows(part, 0..<inner) {
        unsafe ck_pack(
          $0, $1, part.count, inner, panels.pointer + part.lowerBound / panel * size)
      }
    }
    self.panels = panels
    weight.release()
  }
}
