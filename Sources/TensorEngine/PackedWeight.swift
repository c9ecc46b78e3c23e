// Unsafe: panels are written where their storage has room for them.

/// A layer's matrix as products read it, packed once for as many products as there are.
///
/// Where a factor has few rows, as a picture's patches are, to pack the weight anew takes a sixth of the product's
/// time, and more where it is split for matrix units. It takes as much memory as in float32.
package struct PackedWeight: Sendable {
  /// Shape `[out, in]`, as it was; empty if it was missing.
  let weight: Weight
  /// What ``PackedProduct`` reads.
  let panels: Storage

  /// Packs a weight `[out, in]` for the instruction set and precision that are set now.
  package init(_ weight: Weight) {
    self.weight = weight
    guard weight.shape.count == 2 else {
      panels = Storage(count: 0)
      return
    }
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    panels = unsafe PackedProduct.packed(columns: columns, inner: inner) { part, terms, panels in
      unsafe weight.pack(part, terms, into: panels)
    }
    weight.release()
  }
}
