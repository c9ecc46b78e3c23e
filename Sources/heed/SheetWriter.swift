import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation

/// Draws the sheet of recorded runs into files, by their endings.
enum SheetWriter {
  /// Draws the sheet of runs that were just made.
  ///
  /// Runs that were asked for what a sheet does not show are no failure.
  /// - Parameter plan: what is drawn; `nil` for what shows the runs' methods best.
  static func tryToWrite(
    _ runs: [RecordedRun], plan: SheetPlan.Content? = nil, to paths: [String]
  ) throws {
    do {
      try write(to: paths) {
        try SheetPlan(plan ?? content(for: runs)).scene(
          runs, style: SheetStyle(), software: "Heed \(HeedVersion.current)")
      }
    } catch let error as AnalysisError {
      guard case .nothingSelected = error else { throw error }
      Message.warning("no sheet drawn: \(error)")
    } catch let error as FigureError {
      guard case .inconsistentSheet = error else { throw error }
      Message.warning("no sheet drawn: \(error)")
    }
  }

  /// Writes a sheet into each of the files.
  /// - Parameter frames: the sheet step by step, for an animation; `nil` where there is none.
  static func write(
    to paths: [String], dpi: Double = 300, isAnonymous: Bool = false, _ scene: () throws -> Scene,
    frames: (() throws -> [Scene])? = nil
  ) throws {
    // All endings are looked at first, so that a wrong one leaves nothing behind.
    let (animations, stills) = (
      paths.filter { ending($0) == "apng" }, paths.filter { ending($0) != "apng" }
    )
    if let path = animations.first, frames == nil {
      throw Failure(
        .usage, "\(path): an animation shows one panel of maps over the steps; this layout has none"
      )
    }
    let graphics = stills.first { ending($0) == "pdf" } ?? stills.first { ending($0) == "png" }
    let renderers = try stills.map {
      (path: $0, render: try renderer($0, dpi: dpi, graphics: graphics))
    }
    func finished(_ scene: Scene) -> Scene { isAnonymous ? scene.anonymous : scene }
    let still = stills.isEmpty ? nil : finished(try scene())
    let moving = animations.isEmpty ? [] : try frames?().map(finished) ?? []
    for warning in (still ?? moving.first)?.warnings ?? [] { Message.warning(warning) }
    for (path, render) in renderers {
      if let still { try render(still, path) }
      Message.note("sheet → \(path)")
    }
    for path in animations {
      try APNGBackend.render(moving, dpi: dpi, to: path)
      Message.note("sheet, \(moving.count) \(moving.count == 1 ? "step" : "steps") → \(path)")
    }
  }

  /// What writes files with the ending of `path`.
  private static func renderer(
    _ path: String, dpi: Double, graphics: String?
  ) throws -> (Scene, String) throws -> Void {
    switch ending(path) {
    case "pdf": return { try PDFBackend.render($0, to: $1) }
    case "png": return { try PNGBackend.render($0, dpi: dpi, to: $1) }
    case "svg": return { try SVGBackend.render($0, to: $1) }
    case "json": return { try JSONBackend.render($0, to: $1) }
    case "tex":
      guard let graphics else {
        throw Failure(.usage, "\(path): a .tex includes a .pdf or .png; name one with -o")
      }
      return {
        try TeXBackend.render(
          $0, graphics: URL(fileURLWithPath: graphics).lastPathComponent, to: $1)
      }
    default:
      throw Failure(.usage, "\(path): a sheet is a .pdf, .png, .apng, .svg, .json or .tex")
    }
  }

  private static func ending(_ path: String) -> String {
    URL(fileURLWithPath: path).pathExtension.lowercased()
  }

  /// Pictures, maps and curves of explanations, and of plain Stable Diffusion beside
  /// Attend-and-Excite; of other methods a row of maps for each.
  private static func content(for runs: [RecordedRun]) -> SheetPlan.Content {
    let methods = Set(runs.map(\.manifest.method.name))
    return methods == ["stable-diffusion", "attend-and-excite"] || methods == ["explain"]
      ? .compare(recipe: "") : .maps(MapSheetPlan(.methods))
  }
}
