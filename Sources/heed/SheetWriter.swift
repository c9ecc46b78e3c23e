import AttentionAnalysis
import AttentionTrace
internal import Drawing
import Figures

/// Writes sheets, and says what was written.
enum SheetWriter {
  /// Writes the sheet of runs that were just made.
  ///
  /// Runs that were made without what a sheet shows are no failure.
  /// - Parameters:
  ///   - plan: what is shown; `nil` for the layout that shows the runs' methods best.
  ///   - detections: the detector's boxes that are drawn; `nil` for none.
  static func tryToWrite(
    _ runs: [RecordedRun], plan: SheetPlan? = nil, detections: RunDetections? = nil,
    to paths: [String]
  ) throws {
    let plan = plan ?? SheetPlan(SheetLayout(for: runs))
    do {
      var sheet = Figures.Sheet(plan, of: runs)
      sheet.detections = detections
      try write(sheet, to: paths)
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
    _ sheet: Figures.Sheet, to paths: [String], dpi: Double? = nil, isAnonymous: Bool = false
  ) throws {
    tell(try sheet.write(to: paths, dpi: dpi, isAnonymous: isAnonymous))
  }

  /// Says what was written.
  static func tell(_ output: Figures.Sheet.Output) {
    for warning in output.warnings { Message.warning(warning) }
    for files in output.files {
      let count =
        Figures.Sheet.isAnimated(files[0])
        ? output.steps == 1 ? ", 1 step" : ", \(output.steps) steps"
        : output.pages > 1 ? ", \(output.pages) pages" : ""
      let place = files.count > 1 ? "\(files[0]) to \(files[files.count - 1])" : files[0]
      Message.note("sheet\(count) → \(place)")
    }
  }
}
