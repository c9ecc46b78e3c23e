package import AttentionAnalysis
package import AttentionTrace
package import Drawing
package import Pictures
internal import PromptText

/// Maps of recorded runs in rows and columns on one shared scale.
package struct MapSheet: Sendable {
  /// What a row or a column is of: a value for each facet, from the outermost.
  package struct Heading: Hashable, Sendable {
    /// `nil` for the side of a difference.
    package var facets: [MapSheetPlan.Facet?]
    package var values: [String]
    /// What is written for each.
    package var labels: [String]
    /// The secondary text below the innermost label: a word's tokens.
    package var detail: String

    package init(
      facets: [MapSheetPlan.Facet?], values: [String], labels: [String], detail: String = ""
    ) {
      (self.facets, self.values, self.labels, self.detail) = (facets, values, labels, detail)
    }
  }

  /// A panel.
  package enum Panel: Sendable {
    case map(AttentionMap)
    /// A side of the difference of two maps, which is given whole.
    case difference(AttentionMap, isGain: Bool)
    case picture
    /// The map was not recorded.
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
  /// `[row, column]` the boxes that the run's method kept the panel's words to.
  let boxes: [[[PictureBox]]]
  /// What the maps' colours measure.
  let quantity: String
  let metadata: Scene.Metadata
  /// Whether the maps are differences of two runs.
  let showsDifferences: Bool
  /// What the method that others are compared with is called.
  let baseline: String
  /// What is written for each facet that all maps have in common.
  let common: [MapSheetPlan.Facet: String]
  /// The maps that the scale covers: this sheet's, and those of the other frames of an animation.
  package let scaleMaps: [AttentionMap]
  /// The step shown, if the sheet is a frame of an animation.
  let frame: Frame?
  /// Whether pictures are those that the step predicted.
  let showsPredictions: Bool
  /// Which runs' latents are out of range, a sentence each.
  let warnings: [String]

  /// All maps, row by row.
  var maps: [AttentionMap] {
    panels.joined().compactMap { panel in
      switch panel {
      case .map(let map), .difference(let map, _): map
      case .picture, .nothing: nil
      }
    }
  }
}

extension MapSheet {
  /// A sheet of maps and pictures that are at hand, `[row, column]`.
  package init(
    prompt: String, rows: [Heading], columns: [Heading], panels: [[Panel]],
    pictures: [[Picture?]], quantity: String, metadata: Scene.Metadata,
    showsDifferences: Bool = false
  ) {
    (self.prompt, self.rows, self.columns) = (prompt, rows, columns)
    (self.panels, self.pictures) = (panels, pictures)
    (self.quantity, self.metadata) = (quantity, metadata)
    self.showsDifferences = showsDifferences
    boxes = panels.map { $0.map { _ in [] } }
    (common, frame, showsPredictions, warnings) = ([:], nil, false, [])
    baseline = RunManifest.Method.plainTitle
    scaleMaps = panels.joined().compactMap { panel in
      if case .map(let map) = panel { map } else { nil }
    }
  }

  /// A sheet of recorded runs of one prompt, without a model.
  /// - Parameters:
  ///   - runs: in any order.
  ///   - plan: rows, columns and what the maps are of.
  ///   - weights: the head weights that the plan's recipe names, by path.
  ///   - detections: whose boxes are drawn; `nil` for none.
  ///   - software: what draws the sheet, with the version.
  /// - Throws: `AnalysisError` when runs cannot be compared, or lack what the plan asks for;
  ///   ``FigureError`` when a plan leaves two maps for one place or a picture is damaged; `TraceError`.
  package init(
    runs: [RecordedRun], plan: MapSheetPlan, weights: [String: HeadWeights] = [:],
    detections: RunDetections? = nil, software: String
  ) throws {
    let gathering = try MapGathering(runs, plan: plan, weights: weights, detections: detections)
    self.init(gathering, runs, frame: nil, software: software)
  }

  /// A sheet for each step, on one scale: the frames of an animation.
  /// - Parameters: as of ``init(runs:plan:weights:detections:software:)``; the plan's steps are the frames', and all
  ///   that were recorded if it names none.
  /// - Throws: as ``init(runs:plan:weights:detections:software:)``.
  package static func frames(
    runs: [RecordedRun], plan: MapSheetPlan, weights: [String: HeadWeights] = [:],
    detections: RunDetections? = nil, software: String
  ) throws -> [MapSheet] {
    var plan = plan
    plan.rows.removeAll { $0 == .step }
    plan.columns.removeAll { $0 == .step }
    // What a single step leaves without columns has its words beside each other.
    if plan.columns.isEmpty, let last = plan.rows.popLast() { plan.columns = [last] }
    let gathering = try MapGathering(
      runs, plan: plan, weights: weights, isAnimated: true, detections: detections)
    return gathering.frames.map { MapSheet(gathering, runs, frame: $0, software: software) }
  }

  /// - Parameter frame: the step shown, as it is among the gathering's frames; `nil` without frames.
  private init(
    _ gathering: MapGathering, _ runs: [RecordedRun], frame: String?, software: String
  ) {
    let plan = gathering.plan
    let (rows, columns) = (gathering.headings(plan.rows), gathering.headings(plan.columns))
    let places = gathering.places(rows, columns, frame: frame)
    prompt = runs.first?.manifest.tokens.prompt ?? ""
    self.rows = rows
    self.columns = places.columns
    panels = places.panels
    pictures = places.pictures
    boxes = places.boxes
    showsDifferences = plan.showsDifferences
    baseline = gathering.baselineTitle
    scaleMaps = gathering.found.map(\.map)
    common = gathering.common
    self.frame = frame.map { step in
      let steps = runs.map(\.manifest.timesteps.count).max() ?? 0
      return MapSheet.Frame(step: Int(step) ?? 0, steps: steps)
    }
    showsPredictions = gathering.showsPredictions
    warnings = Scene.warnings(of: runs)
    quantity =
      (plan.showsDifferences ? gathering.difference + ": " : "") + gathering.quantity
    metadata = Scene.Metadata(
      of: gathering.manifest, software: software,
      manifest: [
        "rows": .text(plan.rows.map(\.rawValue).joined(separator: ", ")),
        "columns": .text(plan.columns.map(\.rawValue).joined(separator: ", ")),
        "recipe": .text(gathering.usedRecipe),
        "seeds": .integers(Set(runs.map(\.manifest.seed)).sorted()),
      ])
  }
}
