public import ArgumentParser
public import Figures

/// How a sheet is drawn.
struct SheetOptions: ParsableArguments {
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("The venue whose page it fits; with --width.", valueName: "venue"))
  var venue = Venue.cvpr

  @Option(
    help: ArgumentHelp(
      "column, full (both columns), or a share of full, as in 0.48.", valueName: "width"))
  var width = "full"

  @Option(help: "How a map lies over its picture.")
  var overlay = OverlayMode.mosaic

  @Option(
    help: ArgumentHelp(
      "viridis, magma, inferno, plasma, cividis; turbo, whose lightness rises and falls.",
      valueName: "map"))
  var colors = "magma"

  @Option(help: "Pixels an inch, for .png.")
  var dpi = 300.0

  @Flag(help: "Leave prompt, recipe and version out of the file, as for double-blind review.")
  var noMetadata = false

  func validate() throws {
    guard (36...2400).contains(dpi) else {
      throw ValidationError("--dpi is \(dpi); expected 36 to 2400.")
    }
    _ = try points
    _ = try colorMap
  }

  /// The width in points.
  var points: Double {
    get throws {
      switch width {
      case "column": return venue.column
      case "full": return venue.full
      default:
        guard let share = Double(width), share > 0, share <= 1 else {
          throw ValidationError(
            "--width is '\(width)'; expected column, full or a share above 0 and up to 1.")
        }
        return venue.full * share
      }
    }
  }

  var colorMap: ColorMap {
    get throws {
      guard let map = ColorMap.sequential.first(where: { $0.name == colors }) else {
        let names = ColorMap.sequential.map(\.name).joined(separator: ", ")
        throw ValidationError("--colors is '\(colors)'; expected one of \(names).")
      }
      return map
    }
  }
}

extension Venue: ExpressibleByArgument {}
extension OverlayMode: ExpressibleByArgument {}
