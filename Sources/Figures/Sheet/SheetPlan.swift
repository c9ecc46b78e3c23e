package import AttentionAnalysis
package import AttentionTrace
public import Drawing

/// What a sheet shows: one panel, or several in rows, each of its own layout.
public struct SheetPlan: Hashable, Sendable {
  /// What a panel shows.
  ///
  /// A recipe says how its maps are aggregated, as `Recipe` reads it; an empty one
  /// means the mean over heads, the layers that the loss reads, and steps.
  public enum Content: Hashable, Sendable {
    /// Pictures and maps of a run of each method for each seed; on request, curves below them, and the
    /// pictures that steps predicted (an empty list for four of them).
    case compare(recipe: String, curves: CompareCurves = .without, stepsPictures: [Int]? = nil)
    /// Maps in rows and columns.
    case maps(MapSheetPlan)
    /// How much the maps of each two words overlap; an empty list for every word of the prompt.
    case matrix(words: [String], recipe: String)
    /// Measures over the steps; an empty list for peak attention, loss, entropy and overlap.
    case curves(measures: [CurveMeasure], recipe: String)
    /// The `cases` runs with the most neglected subjects, the worst first.
    case neglect(cases: Int, recipe: String)
    /// What runs came to at each value of a knob, as in `scale-factor`: excitation scores and neglect.
    case outcome(knob: String)

    /// The kind of panel.
    package var kind: Kind {
      switch self {
      case .maps: .maps
      case .compare: .compare
      case .matrix: .matrix
      case .curves: .curves
      case .neglect: .neglect
      case .outcome: .outcome
      }
    }
  }

  /// Kinds of panels, as a sheet file names them.
  package enum Kind: String, Sendable, CaseIterable {
    case maps
    case compare
    case matrix
    case curves
    case neglect
    case outcome

    /// Whether it shows runs' pictures, in which boxes may be drawn.
    package var showsPictures: Bool {
      switch self {
      case .maps, .compare, .neglect: true
      case .matrix, .curves, .outcome: false
      }
    }
  }

  /// A part of a sheet.
  public struct Panel: Hashable, Sendable {
    /// What it shows.
    public var content: Content
    /// How its maps are drawn; `nil` to take the style of the sheet.
    public var maps: MapStyle?
    /// The caption below it; may be empty.
    public var caption: String

    /// A panel that shows `content`.
    public init(_ content: Content, maps: MapStyle? = nil, caption: String = "") {
      self.content = content
      self.maps = maps
      self.caption = caption
    }
  }

  /// From top to bottom, and in each row from left to right.
  public var rows: [[Panel]]
  /// The figure's caption in a paper; empty for one composed of the panels' own.
  public var caption: String
  /// Which words are printed besides labels.
  public var words = PrintedWords()

  /// A sheet of several panels, `[row][column]`.
  public init(rows: [[Panel]], caption: String = "") {
    self.rows = rows
    self.caption = caption
  }

  /// A sheet of one panel.
  public init(_ content: Content) { self.init(rows: [[Panel(content)]]) }

  /// A built-in layout; name the knob of ``SheetLayout/sweep`` with ``sweep(knob:)``.
  public init(_ layout: SheetLayout) {
    self = layout == .sweep ? .sweep(knob: "") : Self(layout.content)
  }

  /// A row of maps for each value of `knob`, as in `scale-factor`, and charts of what it led to.
  public static func sweep(knob: String) -> SheetPlan {
    SheetPlan(rows: [[Panel(.maps(.sweep(knob: knob)))], [Panel(.outcome(knob: knob))]])
  }

  /// The plan that the YAML file at `path` describes, as ``yaml`` prints one.
  /// - Throws: `FileError` with the key and what is wrong there.
  public init(file path: String) throws { self = try SheetFile.read(path) }

  /// The plan as a YAML file, each key with a comment on its values.
  public var yaml: String { SheetFile.text(self) }

  /// The only panel; `nil` if there are several.
  private var onlyPanel: Panel? { rows.count == 1 && rows[0].count == 1 ? rows[0][0] : nil }

  /// The only panel of maps; `nil` if there are several, or none.
  private var mapsPanel: Panel? {
    let panels = rows.joined().filter { $0.content.kind == .maps }
    return panels.count == 1 ? panels[0] : nil
  }

  /// Whether the sheet can be shown step by step: it has a single panel of maps.
  package var isAnimated: Bool { mapsPanel != nil }

  /// Draws recorded runs on as many pages as the height of `style` makes of them.
  /// - Parameters:
  ///   - runs: of one prompt, in any order.
  ///   - detections: the detector's boxes that are drawn in pictures; `nil` for none.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when runs cannot be compared, or lack what a panel asks for;
  ///   ``FigureError`` when the sheet cannot be drawn; `TraceError`, and `FileError` for a file of head
  ///   weights.
  package func pages(
    _ runs: [RecordedRun], detections: RunDetections? = nil, style: SheetStyle, software: String
  ) throws -> [Scene] {
    guard !rows.joined().isEmpty else { throw FigureError.inconsistentSheet("no panel to show") }
    let style = printed(style)
    var scenes: [Scene]
    if let panel = onlyPanel, panel.caption.isEmpty {
      scenes = try panel.pages(runs, detections, style: style, software: software)
    } else {
      scenes = try SheetComposition(
        plan: self, runs: runs, detections: detections, style: style, software: software
      ).pages
    }
    guard !caption.isEmpty else { return scenes }
    for index in scenes.indices {
      scenes[index].caption = caption
      scenes[index].unprintedCaption = caption
    }
    return scenes
  }

  /// Draws recorded runs on one page of its own height.
  /// - Throws: as ``pages(_:detections:style:software:)``.
  package func scene(
    _ runs: [RecordedRun], detections: RunDetections? = nil, style: SheetStyle, software: String
  ) throws -> Scene {
    try pages(runs, detections: detections, style: style.onOnePage, software: software)[0]
  }

  /// `style` with the words that the plan prints.
  private func printed(_ style: SheetStyle) -> SheetStyle {
    var style = style
    style.words.title = style.words.title && words.title
    style.words.note = style.words.note && words.note
    return style
  }

  /// Draws recorded runs step by step, all steps on one scale and on pages of one size.
  /// - Parameters: as of ``scene(_:detections:style:software:)``.
  /// - Throws: as ``scene(_:detections:style:software:)``, and for a sheet that is not one panel of maps.
  package func frames(
    _ runs: [RecordedRun], detections: RunDetections? = nil, style: SheetStyle, software: String
  ) throws -> [Scene] {
    guard let panel = mapsPanel, case .maps(let plan) = panel.content else {
      throw FigureError.inconsistentSheet("only one panel of maps can be shown step by step")
    }
    var style = printed(style)
    if let maps = panel.maps { style.maps = maps }
    let scenes = try MapSheet.frames(
      runs: runs, plan: plan.drawn(in: style.maps),
      weights: SheetPlan.Panel.weights(plan.recipe), detections: detections, software: software
    ).map { try $0.scene(style) }
    let height = scenes.map(\.height).max() ?? 0
    return scenes.map { scene in
      var scene = scene
      scene.height = height
      return scene
    }
  }
}

extension SheetPlan.Panel {
  /// The panel by itself.
  func pages(
    _ runs: [RecordedRun], _ detections: RunDetections?, style: SheetStyle, software: String
  ) throws -> [Scene] {
    var style = style
    if let maps { style.maps = maps }
    switch content {
    case .compare(let text, let curves, let stepsPictures):
      let recipe = try Self.recipe(text)
      if stepsPictures != nil, ExplainSheet.shows(runs) {
        throw FigureError.inconsistentSheet(
          "explanations have no predicted pictures; leave out steps-pictures")
      }
      return ExplainSheet.shows(runs)
        ? try ExplainSheet(
          runs: runs, recipe: recipe, detections: detections, software: software
        ).pages(style)
        : try CompareSheet(
          runs: runs, recipe: recipe, curves: curves, stepsPictures: stepsPictures,
          detections: detections, software: software
        ).pages(style)
    case .maps(let plan):
      return try MapSheet(
        runs: runs, plan: plan.drawn(in: style.maps), weights: Self.weights(plan.recipe),
        detections: detections, software: software
      ).pages(style)
    case .matrix(let words, let text):
      return try MatrixSheet(
        runs: runs, words: words, recipe: Self.recipe(text), weights: Self.weights(text),
        software: software
      ).pages(style)
    case .curves(let measures, let text):
      return try CurvesSheet(
        runs: runs, measures: measures, recipe: Self.recipe(text), weights: Self.weights(text),
        software: software
      ).pages(style)
    case .outcome(let knob):
      return try OutcomeSheet(runs: runs, knob: knob, software: software).pages(style)
    case .neglect(let cases, let text):
      return try NeglectSheet(
        runs: runs, cases: cases, recipe: Self.recipe(text), weights: Self.weights(text),
        detections: detections, software: software
      ).pages(style)
    }
  }

  private static func recipe(_ text: String) throws -> Recipe? {
    text.isEmpty ? nil : try Recipe(parsing: text)
  }

  fileprivate static func weights(_ text: String) throws -> [String: HeadWeights] {
    try recipe(text).map(HeadWeights.named) ?? [:]
  }
}
