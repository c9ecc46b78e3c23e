internal import AttentionTrace

/// How well a map, cut at each of several thresholds, is the mask of what a picture shows.
package struct SegmentationSweep: Hashable, Sendable {
  /// How a map and a mask of different sizes are aligned.
  package enum Alignment: Hashable, Sendable {
    /// The map is resized to the mask's size, before its largest value is taken; DAAM does so by
    /// bicubic interpolation.
    case mapResized(Recipe.Interpolation)
    /// The mask is resized to the map's grid; see ``SegmentationMask/reduced(to:)``.
    case maskReduced
  }

  /// How well the map does at one threshold; NaN if a value of the map is.
  package struct Score: Hashable, Sendable {
    /// Which cells count as predicted.
    package let threshold: MapThreshold
    /// IoU, 0…1: what is predicted and true, of what is predicted or true.
    package let intersectionOverUnion: Double
    /// IoA, 0…1: what is predicted and true, of what is predicted.
    package let intersectionOverArea: Double
  }

  /// Every twentieth of the map's largest value, without 0 and 1.
  package static let twentieths: [MapThreshold] = (1...19).map { .relative(Double($0) / 20) }

  /// `[threshold]`, in the order in which they were given.
  package let scores: [Score]
  /// How well the map ranks the mask's cells; see ``SegmentationMask/averagePrecision(of:)``.
  package let averagePrecision: Double

  /// Cuts `map` at each of `thresholds` and compares it with `mask`.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` if the shapes of map and mask differ
  ///   by more than a cell's width, so that they cannot be of one picture.
  package init(
    of map: AttentionMap, against mask: SegmentationMask,
    at thresholds: [MapThreshold] = twentieths, aligned: Alignment = .mapResized(.bicubic)
  ) throws {
    guard Self.areOfOneShape(map.grid, mask.grid) else {
      throw AnalysisError.notComparable(
        first: "a map of \(map.grid)", second: "a mask of \(mask.grid)",
        what: "their shapes differ; give a mask of the whole picture")
    }
    let (map, mask) =
      switch aligned {
      case .mapResized(let kernel): (map.resized(to: mask.grid, by: kernel), mask)
      case .maskReduced: (map, mask.reduced(to: map.grid))
      }
    averagePrecision = mask.averagePrecision(of: map)
    scores = thresholds.map { threshold in
      let overlap = threshold.cells(of: map).map { MaskOverlap($0, mask) }
      return Score(
        threshold: threshold, intersectionOverUnion: overlap?.overUnion ?? .nan,
        intersectionOverArea: overlap?.overFirst ?? .nan)
    }
  }

  /// The score with the largest IoU, the first of equal ones; `nil` if all are NaN.
  package var best: Score? {
    scores.filter { !$0.intersectionOverUnion.isNaN }.reduce(nil) { best, score in
      guard let best, best.intersectionOverUnion >= score.intersectionOverUnion else {
        return score
      }
      return best
    }
  }

  /// Whether both can be of one picture: a picture that its cells do not fill makes a map up to a cell
  /// larger.
  private static func areOfOneShape(_ map: Grid, _ mask: Grid) -> Bool {
    guard map.pixels > 0 && mask.pixels > 0 else { return false }
    let ratio =
      Double(map.rows) * Double(mask.columns) / (Double(map.columns) * Double(mask.rows))
    return max(ratio, 1 / ratio) <= 1 + 1 / Double(min(map.rows, map.columns))
  }
}
