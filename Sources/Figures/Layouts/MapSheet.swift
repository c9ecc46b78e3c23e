internal import Pictures

/// Maps of recorded runs in rows and columns on one shared scale.
public struct MapSheet: Sendable {
  /// What a row or a column is: a value for each facet, from the outermost.
  struct Heading: Hashable, Sendable {
    var facets: [MapSheetPlan.Facet]
    var values: [String]
    /// What is written for each.
    var labels: [String]
    /// What is written below the innermost label, in grey: a word's tokens.
    var detail: String
  }

  /// A panel.
  package enum Panel: Sendable {
    case map(HeatMap)
    case picture
    /// Nothing of the kind was recorded.
    case nothing
  }

  /// A step of an animation.
  struct Frame: Hashable, Sendable {
    let step: Int
    /// How many steps the runs have.
    let steps: Int
  }

  let prompt: String
  let rows: [Heading]
  let columns: [Heading]
  /// `[row, column]`.
  package let panels: [[Panel]]
  /// `[row, column]` the picture of the run that a panel is of.
  let pictures: [[Picture?]]
  /// What the maps' colours measure.
  let quantity: String
  let metadata: Scene.Metadata
  /// Whether the maps are differences of two runs.
  let showsDifferences: Bool
  /// What is written for each facet that all maps have in common.
  let common: [MapSheetPlan.Facet: String]
  /// The maps that the scale covers: this sheet's, and those of the other frames of an animation.
  package let scaleMaps: [HeatMap]
  /// The step shown, if the sheet is a frame of an animation.
  let frame: Frame?

  /// All maps, row by row.
  var maps: [HeatMap] {
    panels.joined().compactMap { panel in
      if case .map(let map) = panel { map } else { nil }
    }
  }
}
