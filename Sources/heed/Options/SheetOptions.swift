public import ArgumentParser
internal import Drawing
internal import Figures

/// The page that a sheet is drawn on, and its type.
struct SheetOptions: ParsableArguments {
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      """
      The venue whose page, type size and typeface are used. A figure that is higher than its page, with \
      room for a caption, is split over numbered pages (.pdf) or files.
      """,
      valueName: "venue"))
  var venue: Venue?

  @Option(
    help: ArgumentHelp(
      """
      column, full (both columns), or a fraction of full, as in 0.48; of CVPR's page without --for.
      """, valueName: "width"))
  var width = "full"

  @Option(
    help: ArgumentHelp(
      """
      Size of the smallest type in points; all type scales with it. (default: the venue's, or 6)
      """,
      valueName: "points"))
  var typeSize: Double?

  @Option(help: "Typeface. (default: the venue's, or sans)")
  var font: Typeface?

  @Option(help: "Background: light (for print) or dark (for slides).")
  var theme = Theme.light

  @Option(
    help: ArgumentHelp(
      "Pixels per inch. (default: 300 for .png, 100 for .apng, .gif and .mp4)", valueName: "dpi"))
  var dpi: Double?

  @Flag(help: "Leave out the prompt above the figure.")
  var noTitle = false

  @Flag(help: "Leave out the note below the figure, which says how it was measured and drawn.")
  var noCaption = false

  @Flag(help: "Omit prompt, recipe, date and version from the files, for double-blind review.")
  var noMetadata = false

  func validate() throws {
    if let dpi, !(36...2400).contains(dpi) {
      throw ValidationError("--dpi is \(dpi); expected 36 to 2400.")
    }
    if let typeSize, !(SheetStyle.smallestType...72).contains(typeSize) {
      throw ValidationError(
        "--type-size is \(typeSize); expected \(Int(SheetStyle.smallestType)) to 72.")
    }
    _ = try points
  }

  /// The width in points.
  private var points: Double {
    get throws {
      let page = venue ?? .cvpr
      switch width {
      case "column": return page.column
      case "full": return page.full
      default:
        guard let share = Double(width), share > 0, share <= 1 else {
          throw ValidationError(
            "--width is '\(width)'; expected column, full, or a fraction above 0 and up to 1.")
        }
        return page.full * share
      }
    }
  }

  /// The page, with maps drawn in `maps`.
  func style(_ maps: MapStyle) throws -> SheetStyle {
    var style = SheetStyle(
      width: try points, height: venue?.figureHeight,
      typeSize: typeSize ?? venue?.typeSize ?? SheetStyle().typeSize,
      typeface: font ?? venue?.typeface ?? .sans, theme: theme, maps: maps)
    style.venue = venue
    style.words = PrintedWords(title: !noTitle, note: !noCaption)
    return style
  }
}

extension Venue: ExpressibleByArgument {}
extension Typeface: ExpressibleByArgument {}
extension Theme: ExpressibleByArgument {}
