internal import AttentionAnalysis
package import AttentionTrace

/// What a sheet shows: one panel, or several in rows, each of its own layout.
public struct SheetPlan: Hashable, Sendable {
  /// What a panel shows.
  ///
  /// A recipe says how its maps are aggregated, as `Recipe` reads it; an empty one
  /// means the mean over heads, the layers that the loss reads, and steps.
  public enum Content: Hashable, Sendable {
    /// Pictures, maps and curves of a plain and a guided run for each seed.
    case compare(recipe: String)
    /// Maps in rows and columns.
    case maps(MapSheetPlan)
    /// How much the maps of each two words overlap; an empty list for every word of the prompt.
    case matrix(words: [String], recipe: String)
    /// Measures over the steps; an empty list for all that were recorded.
    case curves(measures: [CurveMeasure], recipe: String)
    /// The `cases` runs with the most neglected subjects, the worst first.
    case neglect(cases: Int, recipe: String)

    /// The kind of panel.
    package var kind: Kind {
      switch self {
      case .maps: .maps
      case .compare: .compare
      case .matrix: .matrix
      case .curves: .curves
      case .neglect: .neglect
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

  /// A sheet of several panels, `[row][column]`.
  public init(rows: [[Panel]], caption: String = "") {
    self.rows = rows
    self.caption = caption
  }

  /// A sheet of one panel.
  public init(_ content: Content) { self.init(rows: [[Panel(content)]]) }

  /// A built-in layout.
  public init(_ layout: SheetLayout) { self.init(layout.content) }

  /// The plan that the YAML file at `path` describes, as ``yaml`` prints one.
  /// - Throws: `FileError` with the key and what is wrong there.
  public init(file path: String) throws { self = try SheetFile.read(path) }

  /// The plan as a YAML file, each key with a comment on its values.
  public var yaml: String { SheetFile.text(self) }

  /// The only panel; `nil` if there are several.
  private var onlyPanel: Panel? { rows.count == 1 && rows[0].count == 1 ? rows[0][0] : nil }

  /// Whether the sheet can be shown step by step: it is a single panel of maps.
  package var isAnimated: Bool { if case .maps = onlyPanel?.content { true } else { false } }

  /// Draws recorded runs.
  /// - Parameters:
  ///   - runs: of one prompt, in any order.
  ///   - software: the program that draws the sheet, with its version.
  /// - Throws: `AnalysisError` when runs cannot be compared, or lack what a panel asks for;
  ///   ``FigureError`` when the sheet cannot be drawn; `TraceError`, and `FileError` for a file of head
  ///   weights.
  package func scene(_ runs: [RecordedRun], style: SheetStyle, software: String) throws -> Scene {
    guard !rows.joined().isEmpty else { throw FigureError.inconsistentSheet("no panel to show") }
    var scene: Scene
    if let panel = onlyPanel, panel.caption.isEmpty {
      scene = try panel.scene(runs, style: style, software: software)
    } else {
      scene = try SheetComposition(plan: self, runs: runs, style: style, software: software).scene
    }
    if !caption.isEmpty { scene.caption = caption }
    return scene
  }

  /// Draws recorded runs step by step, all steps on one scale and on pages of one size.
  /// - Parameters: as of ``scene(_:style:software:)``.
  /// - Throws: as ``scene(_:style:software:)``, and for a sheet that is not one panel of maps.
  package func frames(
    _ runs: [RecordedRun], style: SheetStyle, software: String
  ) throws -> [Scene] {
    guard let panel = onlyPanel, case .maps(let plan) = panel.content else {
      throw FigureError.inconsistentSheet("only one panel of maps can be shown step by step")
    }
    var style = style
    if let maps = panel.maps { style.maps = maps }
    let scenes = try MapSheet.frames(
      runs: runs, plan: plan.drawn(in: style.maps),
      weights: SheetPlan.Panel.weights(plan.recipe), software: software
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
  func scene(_ runs: [RecordedRun], style: SheetStyle, software: String) throws -> Scene {
    var style = style
    if let maps { style.maps = maps }
    switch content {
    case .compare(let text):
      let recipe = try Self.recipe(text)
      return ExplainSheet.shows(runs)
        ? try ExplainSheet(runs: runs, recipe: recipe, software: software).scene(style)
        : try CompareSheet(runs: runs, recipe: recipe, software: software).scene(style)
    case .maps(let plan):
      return try MapSheet(
        runs: runs, plan: plan.drawn(in: style.maps), weights: Self.weights(plan.recipe),
        software: software
      ).scene(style)
    case .matrix(let words, let text):
      return try MatrixSheet(
        runs: runs, words: words, recipe: Self.recipe(text), weights: Self.weights(text),
        software: software
      ).scene(style)
    case .curves(let measures, let text):
      return try CurvesSheet(
        runs: runs, measures: measures, recipe: Self.recipe(text), weights: Self.weights(text),
        software: software
      ).scene(style)
    case .neglect(let cases, let text):
      return try NeglectSheet(
        runs: runs, cases: cases, recipe: Self.recipe(text), weights: Self.weights(text),
        software: software
      ).scene(style)
    }
  }

  private static func recipe(_ text: String) throws -> Recipe? {
    text.isEmpty ? nil : try Recipe(parsing: text)
  }

  fileprivate static func weights(_ text: String) throws -> [String: HeadWeights] {
    try recipe(text).map(HeadWeights.named) ?? [:]
  }
}
