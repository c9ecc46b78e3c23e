import AttentionAnalysis
import AttentionTrace
import Figures

/// The layouts that measure runs rather than set their maps out.
extension Sheet {
  /// The layout of measures over the steps.
  static let curves = "curves"
  /// The layout of ranked cases.
  static let neglect = "neglect"

  /// The sheet of `--layout curves`.
  func curvesScene(_ runs: [RecordedRun], _ recipe: Recipe?) throws -> Scene {
    let measures = try self.measures.map {
      try ChoiceList<CurvesSheet.Measure>(option: "--measures", $0).choices
    }
    return try CurvesSheet(
      runs: runs, measures: measures ?? [], recipe: recipe,
      weights: try recipe.map(HeadWeights.named) ?? [:], software: "Heed \(Heed.version)"
    ).scene(width: try options.points)
  }

  /// The sheet of `--layout neglect`.
  func neglectScene(_ runs: [RecordedRun], _ recipe: Recipe?) throws -> Scene {
    try NeglectSheet(
      runs: runs, cases: cases ?? NeglectSheet.defaultCases, recipe: recipe,
      weights: try recipe.map(HeadWeights.named) ?? [:], software: "Heed \(Heed.version)"
    ).scene(
      width: try options.points, overlay: options.overlay, colors: try options.colorMap)
  }
}
