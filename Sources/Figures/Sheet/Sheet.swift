public import AttentionAnalysis
public import AttentionTrace
public import Drawing

/// A figure of recorded runs, drawn without a model.
///
/// ```swift
/// try Sheet(.tokens, of: [run]).write(to: "cat.pdf")
/// ```
public struct Sheet: Sendable {
  /// What is shown, and where on the page.
  public var plan: SheetPlan
  /// The runs shown, in any order; of one prompt, except for ``SheetLayout/neglect``.
  public var runs: [RecordedRun]
  /// The page, its type and colours, and how maps are drawn.
  public var style: SheetStyle
  /// What a detector says of the runs' pictures, whose boxes are drawn in them; `nil` for none.
  public var detections: RunDetections?
  /// What the files name as the program that made them, with its version.
  public var software: String

  /// A sheet of `runs` in a built-in layout.
  public init(
    _ layout: SheetLayout, of runs: [RecordedRun], style: SheetStyle = SheetStyle(),
    software: String = "Heed \(HeedVersion.current)"
  ) {
    self.init(SheetPlan(layout), of: runs, style: style, software: software)
  }

  /// A sheet of `runs` by a plan: a built-in one that was changed, or one read from a file.
  public init(
    _ plan: SheetPlan, of runs: [RecordedRun], style: SheetStyle = SheetStyle(),
    software: String = "Heed \(HeedVersion.current)"
  ) {
    (self.plan, self.runs, self.style, self.software) = (plan, runs, style, software)
  }

  /// The sheet as shapes and words on one page of its own height.
  /// - Throws: `AnalysisError` if the runs cannot be compared or lack what the plan asks for;
  ///   ``FigureError`` if the sheet cannot be drawn; `TraceError` or `FileError` if a file of a run, or one
  ///   of head weights, is missing or damaged.
  public func scene() throws -> Scene {
    try plan.scene(runs, detections: detections, style: style, software: software)
  }

  /// The sheet as shapes and words on as many pages as the style's height makes of it.
  /// - Throws: as ``scene()``.
  public func pages() throws -> [Scene] {
    try plan.pages(runs, detections: detections, style: style, software: software)
  }

  /// The sheet step by step, all steps on one scale and on pages of one size.
  /// - Throws: as ``scene()``, and ``FigureError`` if the plan is not a single panel of maps.
  public func frames() throws -> [Scene] {
    try plan.frames(runs, detections: detections, style: style, software: software)
  }

  /// Whether a file of such a name shows a sheet step by step.
  public static func isAnimated(_ path: String) -> Bool {
    FigureFile.knownFormat(of: path)?.isAnimated == true
  }

  /// What was written.
  public struct Output: Sendable {
    /// What the reader of the figure should know, a line each: characters without a glyph, type that is
    /// too small for print, measures that no run recorded.
    public let warnings: [String]
    /// How many steps an animation shows; 0 if none was written.
    public let steps: Int
    /// How many pages the sheet has.
    public let pages: Int
    /// The files that were written: those of each path asked for, of which a sheet of several pages may
    /// make several.
    public let files: [[String]]

    /// Writes pages and frames to files.
    /// - Throws: ``FigureError``, `FileError`.
    init(
      _ pages: [Scene], frames: [Scene] = [], to files: [FigureFile], dpi: Double?, venue: Venue?
    ) throws {
      let written = try files.map {
        try $0.write(pages, frames: frames, dpi: dpi, venue: venue)
      }
      var warnings = (pages + frames.prefix(pages.isEmpty ? 1 : 0)).flatMap(\.warnings)
      if files.contains(where: { $0.format == .tex }) {
        warnings += pages.first.flatMap { TeXBackend.fontWarning($0) }.map { [$0] } ?? []
      }
      self.warnings = warnings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
      (steps, self.pages, self.files) = (frames.count, max(1, pages.count), written)
    }
  }

  /// Draws the sheet once and writes it to the file at each of `paths`, in the form of its ending:
  /// `.pdf`, `.png`, `.svg`; `.apng`, `.gif` or `.mp4` (a frame for each step; `.mp4` by the program ffmpeg);
  /// `.json` (shapes and words as laid out), or `.tex` (a figure with caption around the first `.pdf`, or else
  /// `.png`, of the paths).
  ///
  /// A sheet that is higher than the style's height has several pages: one file of a PDF, and numbered files
  /// of other forms, as in `sheet-1.png`.
  ///
  /// All endings are checked before anything is drawn or written. Each file appears whole or not at all;
  /// one that is there is replaced.
  /// - Parameters:
  ///   - paths: the files to write.
  ///   - dpi: the resolution in pixels per inch; `nil` for 300 in a `.png` and 100 in a moving picture.
  ///   - isAnonymous: whether the files leave out prompt, recipe, date and software, for double-blind
  ///     review.
  /// - Throws: as ``scene()``; ``FigureError/unsuitableOutput(path:reason:)`` for a wrong ending;
  ///   ``FigureError/program(path:reason:)`` for an `.mp4` without ffmpeg; `FileError` if a file
  ///   cannot be written.
  @discardableResult
  public func write(
    to paths: [String], dpi: Double? = nil, isAnonymous: Bool = false
  ) throws -> Output {
    let files = try FigureFile.files(paths, isAnimated: plan.isAnimated)
    func finished(_ scene: Scene) -> Scene { isAnonymous ? scene.anonymous : scene }
    let isAnimated = files.contains(where: \.format.isAnimated)
    let isStill = files.contains { !$0.format.isAnimated }
    let pages = isStill ? try self.pages().map(finished) : []
    let frames = isAnimated ? try self.frames().map(finished) : []
    return try Output(
      pages, frames: frames, to: files, dpi: dpi, venue: style.venue)
  }

  /// Draws the sheet and writes it to the file at `path`; see ``write(to:dpi:isAnonymous:)-([String],_,_)``.
  @discardableResult
  public func write(
    to path: String, dpi: Double? = nil, isAnonymous: Bool = false
  ) throws -> Output {
    try write(to: [path], dpi: dpi, isAnonymous: isAnonymous)
  }
}
