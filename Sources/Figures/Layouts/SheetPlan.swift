internal import AttentionAnalysis
public import AttentionTrace

/// What a sheet shows: one panel, or several in rows, each of its own layout.
public struct SheetPlan: Hashable, Sendable {
  /// What a panel shows.
  public enum Content: Hashable, Sendable {
    /// Pictures, maps and curves of a plain and an excited run for each seed.
    case compare(recipe: String)
    /// Maps in rows and columns.
    case maps(MapSheetPlan)
    /// How much the maps of each two words share.
    case matrix(words: [String], recipe: String)
    /// Measures over the steps; an empty list for all that were recorded.
    case curves(measures: [CurvesSheet.Measure], recipe: String)
    /// The most neglected subjects first.
    case neglect(cases: Int, recipe: String)

    /// The layout's name.
    public var name: String {
      switch self {
      case .compare: "compare"
      case .maps: "maps"
      case .matrix: "matrix"
      case .curves: "curves"
      case .neglect: "neglect"
      }
    }
  }

  /// A part of a sheet.
  public struct Panel: Hashable, Sendable {
    /// What it shows.
    public var content: Content
    /// How its maps are drawn; `nil` for as the sheet's style says.
    public var maps: MapStyle?
    /// What stands below it; empty for nothing.
    public var caption: String

    /// Describes a panel; see the properties.
    public init(_ content: Content, maps: MapStyle? = nil, caption: String = "") {
      self.content = content
      self.maps = maps
      self.caption = caption
    }
  }

  /// From top to bottom, and in each row from left to right.
  public var rows: [[Panel]]
  /// The figure's caption in a paper; empty for one that is made of the panels.
  public var caption: String

  /// Describes a sheet; see the properties.
  public init(rows: [[Panel]], caption: String = "") {
    self.rows = rows
    self.caption = caption
  }

  /// A sheet of one panel.
  public init(_ content: Content) { self.init(rows: [[Panel(content)]]) }

  /// The sheet's panel, if it has but one.
  private var onlyPanel: Panel? { rows.count == 1 && rows[0].count == 1 ? rows[0][0] : nil }

  /// Whether the sheet can be shown step by step: it is one panel of maps.
  public var isAnimated: Bool { if case .maps = onlyPanel?.content { true } else { false } }

  /// Draws recorded runs, without a model.
  /// - Parameters:
  ///   - runs: of one prompt, in any order.
  ///   - software: what draws the sheet, with the version.
  /// - Throws: `AnalysisError` when runs cannot stand beside each other, or lack what a panel asks for;
  ///   ``FigureError`` when the sheet cannot be drawn; `TraceError`, and `FileError` for a file of head
  ///   weights.
  public func scene(_ runs: [RecordedRun], style: SheetStyle, software: String) throws -> Scene {
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
  public func frames(
    _ runs: [RecordedRun], style: SheetStyle, software: String
  ) throws -> [Scene] {
    guard let panel = onlyPanel, case .maps(let plan) = panel.content else {
      throw FigureError.inconsistentSheet("only one panel of maps can be shown step by step")
    }
    var style = style
    if let maps = panel.maps { style.maps = maps }
    let scenes = try MapSheet.frames(
      runs: runs, plan: plan, weights: SheetPlan.Panel.weights(plan.recipe), software: software
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
        runs: runs, plan: plan, weights: Self.weights(plan.recipe), software: software
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
