import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation

/// Draws the sheet of recorded runs into files, by their endings.
enum SheetWriter {
  /// Draws the sheet of runs that were just made.
  ///
  /// Runs that were asked for what a sheet does not show are no failure.
  static func tryToWrite(to paths: [String], _ scene: () throws -> Scene) throws {
    do {
      try write(to: paths, scene)
    } catch let error as AnalysisError {
      guard case .nothingSelected = error else { throw error }
      Message.warning("no sheet drawn: \(error)")
    } catch let error as FigureError {
      guard case .inconsistentSheet = error else { throw error }
      Message.warning("no sheet drawn: \(error)")
    }
  }

  /// Writes a sheet into each of the files.
  static func write(
    to paths: [String], dpi: Double = 300, _ scene: () throws -> Scene
  ) throws {
    // All endings are looked at first, so that a wrong one leaves nothing behind.
    let graphics = paths.first { ["pdf", "png"].contains(ending($0)) }
    let renderers = try paths.map {
      (path: $0, render: try renderer($0, dpi: dpi, graphics: graphics))
    }
    let scene = try scene()
    for warning in scene.warnings { Message.warning(warning) }
    for (path, render) in renderers {
      try render(scene, path)
      Message.note("sheet → \(path)")
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
    default: throw Failure(.usage, "\(path): a sheet is a .pdf, .png, .svg, .json or .tex")
    }
  }

  private static func ending(_ path: String) -> String {
    URL(fileURLWithPath: path).pathExtension.lowercased()
  }

  /// The sheet that fits the runs: of explanations alone, or of methods beside each other.
  static func scene(
    _ runs: [RecordedRun], recipe: Recipe?, options: SheetOptions?
  ) throws -> Scene {
    let software = "Heed \(Heed.version)"
    let width = try options?.points ?? Venue.cvpr.full
    let overlay = options?.overlay ?? .mosaic
    let colors = try options?.colorMap ?? .magma
    if ExplainSheet.shows(runs) {
      return try ExplainSheet(runs: runs, recipe: recipe, software: software)
        .scene(width: width, overlay: overlay, colors: colors)
    }
    return try CompareSheet(runs: runs, recipe: recipe, software: software)
      .scene(width: width, overlay: overlay, colors: colors)
  }

  /// The sheet of runs that were just made: pairs with curves where there is plain Stable Diffusion
  /// and Attend-and-Excite alone, else a row for each method.
  static func comparison(_ runs: [RecordedRun]) throws -> Scene {
    let pair: Set = ["stable-diffusion", "attend-and-excite"]
    guard Set(runs.map(\.manifest.method.name)) != pair else {
      return try scene(runs, recipe: nil, options: nil)
    }
    return try MapSheet(
      runs: runs, plan: MapSheetPlan(.methods), weights: [:], software: "Heed \(Heed.version)"
    ).scene(width: Venue.cvpr.full, overlay: .mosaic, colors: .magma)
  }
}
