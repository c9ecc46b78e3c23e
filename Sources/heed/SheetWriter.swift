import AttentionAnalysis
import AttentionTrace
import Figures
import Foundation

/// Draws the compare sheet of recorded runs into files, by their endings.
enum SheetWriter {
  static func write(_ runs: [RecordedRun], recipe: Recipe?, to paths: [String]) throws {
    let sheet = try CompareSheet(runs: runs, recipe: recipe, software: "Heed \(Heed.version)")
    let scene = try sheet.scene()
    for warning in scene.warnings { Message.warning(warning) }
    for path in paths {
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "pdf": try PDFBackend.render(scene, to: path)
      case "png": try PNGBackend.render(scene, to: path)
      default:
        throw Failure(.usage, "\(path): a sheet is a .pdf or a .png")
      }
      Message.note("sheet → \(path)")
    }
  }
}
