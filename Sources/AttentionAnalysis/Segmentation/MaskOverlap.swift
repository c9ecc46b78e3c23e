internal import AttentionTrace
internal import TensorEngine

/// The overlap of two masks.
///
/// A ratio with an empty denominator is 0, as in DAAM.
///
/// Source: castorini/daam, daam/evaluate.py (`compute_iou`, `compute_ioa`).
package struct MaskOverlap: Hashable, Sendable {
  /// Cells that both cover.
  package let intersection: Int
  /// Cells that the first covers.
  package let first: Int
  /// Cells that the second covers.
  package let second: Int

  /// Compares two masks.
  /// - Precondition: they are on one grid.
  package init(_ first: SegmentationMask, _ second: SegmentationMask) {
    guard first.grid == second.grid else {
      bug("a mask of \(first.grid) compared with one of \(second.grid)")
    }
    intersection = zip(first.cells, second.cells).count { $0 && $1 }
    self.first = first.area
    self.second = second.area
  }

  /// What both cover, of what at least one does: IoU, 0…1.
  package var overUnion: Double { share(of: first + second - intersection) }

  /// What both cover, of what the first does, 0…1: IoA if the first is the predicted one.
  package var overFirst: Double { share(of: first) }

  /// What both cover, of what the second does, 0…1.
  package var overSecond: Double { share(of: second) }

  private func share(of area: Int) -> Double {
    area == 0 ? 0 : Double(intersection) / Double(area)
  }
}
