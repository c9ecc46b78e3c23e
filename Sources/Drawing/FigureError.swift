internal import TensorEngine

/// Errors in a figure's input, fonts or files.
public enum FigureError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The parts of a sheet do not fit together; the reason in words.
  case inconsistentSheet(String)
  /// The sheet does not fit the width asked for, both in points.
  case tooNarrow(width: Double, needed: Double)
  /// A part of the sheet that cannot be divided is higher than a page, both in points.
  case tooLow(height: Double, needed: Double)
  /// A raster would be larger than can be drawn, in pixels.
  case tooLarge(width: Int, height: Int, limit: Int)
  /// The date of a run is not ISO 8601 in UTC, as in `2026-11-24T10:30:00Z`.
  case invalidDate(String)
  /// A font that figures are set in is not installed.
  case missingFont(family: String, package: String)
  /// A sheet cannot be written to a file of such a name, with the reason.
  case unsuitableOutput(path: String, reason: String)
  /// The program that makes a file of such a name is missing or fails; the reason in words.
  case program(path: String, reason: String)
  /// A report cannot be made as small as asked for: bytes of the smallest one, and those asked for.
  case overBudget(needed: Int, budget: Int)
  /// A drawing library failed, with its message.
  case drawing(String)

  /// One line: what, where, and what to do.
  public var description: String {
    switch self {
    case .inconsistentSheet(let what):
      "sheet: \(what)"
    case .tooNarrow(let width, let needed):
      "sheet: \(NumberText.plain(width)) pt is too narrow for its panels;"
        + " at least \(NumberText.plain(needed)) pt"
    case .tooLow(let height, let needed):
      "sheet: a page of \(NumberText.plain(height)) pt is too low for its highest part;"
        + " at least \(NumberText.plain(needed)) pt, or a larger width"
    case .tooLarge(let width, let height, let limit):
      "figure: \(width) × \(height) pixels is more than the \(limit) a side that can be drawn;"
        + " lower the dpi"
    case .invalidDate(let text):
      "figure: date “\(text)”; expected the form 2026-11-24T10:30:00Z"
    case .missingFont(let family, let package):
      "figure: font “\(family)” is not installed; apt-get install \(package)"
    case .unsuitableOutput(let path, let reason), .program(let path, let reason):
      "\(path): \(reason)"
    case .overBudget(let needed, let budget):
      "report: at least \(formatBytes(needed)) are needed, more than the budget of "
        + "\(formatBytes(budget)); give fewer runs or a larger budget"
    case .drawing(let reason):
      "figure: \(reason)"
    }
  }
}
