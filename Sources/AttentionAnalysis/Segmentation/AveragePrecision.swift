internal import AttentionTrace
internal import TensorEngine

extension SegmentationMask {
  /// How well `map` ranks the mask's cells before the others, 0…1: Σ (Rₙ - Rₙ₋₁) Pₙ, where Pₙ and Rₙ
  /// are precision and recall of the cells with at least the n-th largest of the map's distinct values.
  ///
  /// 0 if the mask covers nothing, NaN if a value is NaN.
  ///
  /// Source: scikit-learn, `sklearn.metrics.average_precision_score`.
  /// - Precondition: the map is on the mask's grid.
  package func averagePrecision(of map: AttentionMap) -> Double {
    guard map.grid == grid else { bug("a map of \(map.grid) ranked for a mask of \(grid)") }
    guard !map.largest.isNaN else { return .nan }
    let wanted = area
    guard wanted > 0 else { return 0 }
    let ranked = zip(map.values, cells).sorted { $0.0 > $1.0 }
    var (found, sum) = (0, 0.0)
    var start = 0
    while start < ranked.count {
      // Cells of one value come together: none of them is ranked before another.
      var end = start
      var gained = 0
      while end < ranked.count && ranked[end].0 == ranked[start].0 {
        gained += ranked[end].1 ? 1 : 0
        end += 1
      }
      found += gained
      sum += Double(gained) / Double(wanted) * Double(found) / Double(end)
      start = end
    }
    return sum
  }
}
