public import Drawing

/// How a sheet is drawn: its page, type, colours and maps.
public struct SheetStyle: Hashable, Sendable {
  /// The size of the smallest type in the layouts' own units.
  private static let layoutType = 6.0
  /// The smallest type that is legible in print, in points.
  public static let legibleType = 6.0
  /// The smallest type that is accepted, in points.
  public static let smallestType = 5.0

  /// What PDF viewers show of a page at most, in points.
  private static let largestWidth = 14_400.0

  /// The page's width in points; 495 is the full width of a two-column page (CVPR).
  public var width: Double
  /// The greatest height of a page in points, beyond which the figure goes on on another page; `nil` for
  /// one page of the figure's own height.
  public var height: Double?
  /// The size of the smallest type in points; all other type scales with it.
  public var typeSize: Double
  /// The typeface.
  public var typeface: Typeface
  /// The colours of background, type and lines.
  public var theme: Theme
  /// How maps are drawn.
  public var maps: MapStyle
  /// The venue whose page it is; `nil` for none.
  public var venue: Venue?
  /// Which words are printed besides labels: the prompt as a title, and the note below.
  public var words = PrintedWords()

  /// A style of the given properties; the defaults fill the width of a CVPR page.
  public init(
    width: Double = 495, height: Double? = nil, typeSize: Double = 6, typeface: Typeface = .sans,
    theme: Theme = .light, maps: MapStyle = MapStyle()
  ) {
    self.width = width
    self.height = height
    self.typeSize = typeSize
    self.typeface = typeface
    self.theme = theme
    self.maps = maps
  }

  /// A style for the pages of a venue.
  /// - Parameter width: in points; `nil` for the full width of a page.
  public init(for venue: Venue, width: Double? = nil, maps: MapStyle = MapStyle()) {
    self.init(
      width: width ?? venue.full, height: venue.figureHeight, typeSize: venue.typeSize,
      typeface: venue.typeface, maps: maps)
    self.venue = venue
  }

  /// The style on one page of its own height.
  var onOnePage: SheetStyle {
    var style = self
    style.height = nil
    return style
  }

  /// The pages that `layout` makes of a page's size in the layouts' units, at the style's size.
  ///
  /// Layouts know one size of type: a page with larger type is laid out on a smaller page, which is
  /// then enlarged.
  /// - Throws: ``FigureError`` for type that is too small, and what `layout` throws.
  func pages(_ layout: (_ page: PageSize, SceneBuilder) throws -> [Scene]) throws -> [Scene] {
    guard typeSize >= Self.smallestType, typeSize.isFinite else {
      throw FigureError.inconsistentSheet(
        "type of \(NumberText.plain(typeSize)) pt; at least \(NumberText.plain(Self.smallestType))")
    }
    guard width <= Self.largestWidth else {
      throw FigureError.inconsistentSheet(
        "a width of \(NumberText.plain(width)) pt; at most "
          + NumberText.plain(Self.largestWidth))
    }
    let factor = typeSize / Self.layoutType
    let builder = SceneBuilder(typesetter: try Typesetter(typeface), theme: theme, words: words)
    do {
      let size = PageSize(width: width / factor, height: height.map { $0 / factor } ?? .infinity)
      return try layout(size, builder).map { page in
        var scene = page.scaled(by: factor, width: width)
        if let typeWarning { scene.warnings.append(typeWarning) }
        return scene
      }
    } catch FigureError.tooNarrow(_, let needed) {
      throw FigureError.tooNarrow(width: width, needed: (needed * factor).rounded(.up))
    } catch FigureError.tooLow(_, let needed) {
      throw FigureError.tooLow(height: height ?? .infinity, needed: (needed * factor).rounded(.up))
    }
  }

  private var typeWarning: String? {
    typeSize >= Self.legibleType
      ? nil
      : "the smallest type is \(NumberText.plain(typeSize)) pt; text in print needs "
        + "at least \(NumberText.plain(Self.legibleType)) pt"
  }
}
