public import AttentionTrace

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

  /// The sheet as shapes and words on a page.
  /// - Throws: `AnalysisError` if the runs cannot be compared or lack what the plan asks for;
  ///   ``FigureError`` if the sheet cannot be drawn; `TraceError` or `FileError` if a file of a run, or one
  ///   of head weights, is missing or damaged.
  public func scene() throws -> Scene { try plan.scene(runs, style: style, software: software) }

  /// The sheet step by step, all steps on one scale and on pages of one size.
  /// - Throws: as ``scene()``, and ``FigureError`` if the plan is not a single panel of maps.
  public func frames() throws -> [Scene] {
    try plan.frames(runs, style: style, software: software)
  }

  /// What was written.
  public struct Output: Sendable {
    /// What the reader of the figure should know, a line each: characters without a glyph, type that is
    /// too small for print, measures that no run recorded.
    public let warnings: [String]
    /// How many steps an animation shows; 0 if none was written.
    public let steps: Int
  }

  /// Draws the sheet once and writes it to the file at each of `paths`, in the form of its ending:
  /// `.pdf`, `.png`, `.svg`, `.apng` (a frame for each step), `.json` (shapes and words as laid out), or
  /// `.tex` (a figure with caption around the first `.pdf`, or else `.png`, of the paths).
  ///
  /// All endings are checked before anything is drawn or written. Each file appears whole or not at all;
  /// one that is there is replaced.
  /// - Parameters:
  ///   - paths: the files to write.
  ///   - dpi: the resolution of `.png` and `.apng` in pixels per inch.
  ///   - isAnonymous: whether the files leave out prompt, recipe, date and software, for double-blind
  ///     review.
  /// - Throws: as ``scene()``; ``FigureError/unsuitableOutput(path:reason:)`` for a wrong ending; `FileError`
  ///   if a file cannot be written.
  @discardableResult
  public func write(
    to paths: [String], dpi: Double = 300, isAnonymous: Bool = false
  ) throws -> Output {
    let files = try FigureFile.files(paths, isAnimated: plan.isAnimated)
    func finished(_ scene: Scene) -> Scene { isAnonymous ? scene.anonymous : scene }
    let isStill = files.contains { $0.format != .apng }
    let still = isStill ? finished(try scene()) : nil
    let frames = files.contains { $0.format == .apng } ? try self.frames().map(finished) : []
    for file in files { try file.write(still, frames: frames, dpi: dpi) }
    return Output(warnings: (still ?? frames.first)?.warnings ?? [], steps: frames.count)
  }

  /// Draws the sheet and writes it to the file at `path`; see ``write(to:dpi:isAnonymous:)-([String],_,_)``.
  @discardableResult
  public func write(
    to path: String, dpi: Double = 300, isAnonymous: Bool = false
  ) throws -> Output {
    try write(to: [path], dpi: dpi, isAnonymous: isAnonymous)
  }
}
