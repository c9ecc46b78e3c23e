internal import AttentionTrace
internal import TensorEngine

/// How much of two masks lies in the same cells.
///
/// A share of nothing is 0, as in DAAM.
///
/// Source: castorini/daam, daam/evaluate.py (`compute_iou`, `compute_ioa`).
public struct MaskOverlap: Hashable, Sendable {
  /// Cells that both cover.
  public let intersection: Int
  /// Cells that the first covers.
  public let first: Int
  /// Cells that the second covers.
  public let second: Int

  /// Compares two masks.
  /// - Precondition: they are on one grid.
  public init(_ first: SegmentationMask, _ second: SegmentationMask) {
    guard first.grid == second.grid else {
      bug("a mask of \(first.grid) compared with one of \(second.grid)")
    }
    intersection = zip(first.cells, second.cells).count { $0 && $1 }
    self.first = first.area
    self.second = second.area
  }

  /// What both cover, of what at least one does: IoU, 0…1.
  public var overUnion: Double { share(of: first + second - intersection) }

  /// What both cover, of what the first does, 0…1: IoA if the first is the predicted one.
  public var overFirst: Double { share(of: first) }

  /// What both cover, of what the second does, 0…1.
  public var overSecond: Double { share(of: second) }

  private func share(of area: Int) -> Double {
    area == 0 ? 0 : Double(intersection) / Double(area)
  }
}
