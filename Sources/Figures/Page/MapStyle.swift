public import AttentionAnalysis
public import Drawing
internal import Pictures

/// How maps are drawn.
public struct MapStyle: Hashable, Sendable {
  /// How a map is drawn over its picture.
  public var overlay: OverlayMode
  /// The colour map; differences have their own, ``ColorMap/difference``.
  public var colors: ColorMap
  /// How maps are interpolated between the centres of their cells, before values become colours; `nil`
  /// for what suits the overlay: none where cells are shown, bicubic over pictures.
  public var interpolation: Recipe.Interpolation?
  /// The range of values that the colours cover.
  public var range: Range
  /// Whether the colour scale is logarithmic.
  public var isLogarithmic: Bool
  /// Levels of the contours as fractions of the scale, each between 0 and 1.
  public var contours: [Double]
  /// Whether to swap the picture's red and blue, as Attend-and-Excite's published figures do; for
  /// ``OverlayMode/jetCompat``.
  public var swapsRedAndBlue: Bool

  /// A style of the given properties.
  public init(
    overlay: OverlayMode = .alpha, colors: ColorMap = .magma,
    interpolation: Recipe.Interpolation? = nil, range: Range = .shared,
    isLogarithmic: Bool = false,
    contours: [Double] = [0.25, 0.5, 0.75], swapsRedAndBlue: Bool = false
  ) {
    self.overlay = overlay
    self.colors = colors
    self.interpolation = interpolation
    self.range = range
    self.isLogarithmic = isLogarithmic
    self.contours = contours
    self.swapsRedAndBlue = swapsRedAndBlue
  }

  /// What ``areLevels(_:)`` accepts, in words.
  package static let expectedLevels = "shares between 0 and 1, as in 0.25,0.5"

  /// Whether these are levels of contours: fractions of the scale.
  package static func areLevels(_ shares: [Double]) -> Bool {
    shares.allSatisfy { $0 > 0 && $0 < 1 }
  }

  /// The style in which differences of maps are drawn: their own colours, zero in the middle.
  var forDifferences: MapStyle {
    var style = self
    style.colors = .difference
    return style
  }

  /// The style of a figure whose colours are whole areas, with no picture beneath them.
  var forAreas: MapStyle {
    var style = self
    style.overlay = .cells
    return style
  }

  /// How maps are interpolated.
  var kernel: Recipe.Interpolation { interpolation ?? overlay.interpolation }

  /// The colours of the maps.
  var shownColors: ColorMap {
    switch overlay {
    case .dim: .gray
    case .jetCompat: .jet
    default: colors
    }
  }

  /// What is laid over a picture at `fraction` of the scale: a colour, and how opaque it is, 0…1.
  ///
  /// A value is as opaque as its share of the scale. A difference is so on either side of zero, in the
  /// colour of that side.
  func paint(at fraction: Double) -> (color: Color, opacity: Double) {
    switch overlay {
    case .dim: (.black, 1 - fraction)
    case .alpha where colors == .difference:
      (colors.color(at: fraction < 0.5 ? 0 : 1), abs(2 * fraction - 1))
    case .alpha: (colors.color(at: fraction), fraction)
    default: (shownColors.color(at: fraction), 1)
    }
  }

  /// The colour that a reader sees at `fraction` of the scale, over middle grey where the picture shows
  /// through: that of strips and colour bar.
  func seen(at fraction: Double) -> Color {
    guard overlay == .alpha else { return shownColors.color(at: fraction) }
    let (color, opacity) = paint(at: max(0, min(1, fraction)))
    return Picture.middleGrey.mixed(with: color, share: opacity)
  }

  /// Whether each map has a scale of its own.
  var isOwnRange: Bool { range == .own || overlay == .jetCompat }

  /// - Throws: ``FigureError/inconsistentSheet(_:)`` for incompatible choices.
  package func validate(isDifference: Bool) throws {
    func require(_ condition: Bool, _ what: String) throws {
      guard condition else { throw FigureError.inconsistentSheet(what) }
    }
    if case .fixed(let lower, let upper) = range {
      try require(
        lower < upper && lower.isFinite && upper.isFinite,
        "a scale from \(lower) to \(upper); expected two finite numbers, the lower first")
      try require(
        !isLogarithmic || lower > 0, "a logarithmic scale from \(lower); expected above 0")
      try require(
        overlay != .jetCompat, "a fixed range with jet-compat, which scales each map by itself")
    }
    try require(
      Self.areLevels(contours),
      "contours at \(contours); expected shares of the scale between 0 and 1")
    try require(
      overlay != .contour || !contours.isEmpty, "contours without a level; expected at least one")
    let kernel = interpolation ?? .nearest
    try require(
      kernel == .nearest || overlay.takesInterpolation,
      "\(kernel.rawValue) interpolation with \(overlay.rawValue); expected "
        + OverlayMode.allCases.filter(\.takesInterpolation).map(\.rawValue)
        .joined(separator: ", "))
    try require(
      overlay != .alpha || colors.isTellableOverGrey,
      "\(colors.name) with alpha, where its greys are lost in those of the picture; expected "
        + ColorMap.sequential.filter(\.isTellableOverGrey).map(\.name).joined(separator: ", ")
        + ", or the overlay cells, side, mosaic or contour")
    guard isDifference else { return }
    try require(!isLogarithmic, "a logarithmic scale for differences, which may be negative")
    try require(
      [.alpha, .mosaic, .cells, .side].contains(overlay),
      "differences with \(overlay.rawValue); expected alpha, mosaic, cells or side")
    try require(
      colors == MapStyle().colors || colors == .difference,
      "differences in \(colors.name); differences have their own colours")
  }

  /// The shared scale of `maps`.
  package func scale(of maps: [AttentionMap], isDifference: Bool) -> ValueScale {
    if case .fixed(let lower, let upper) = range {
      return ValueScale(lower: lower, upper: upper, isLogarithmic: isLogarithmic)
    }
    if isDifference { return ValueScale(symmetricCovering: maps) }
    return isLogarithmic ? ValueScale(logarithmCovering: maps) : ValueScale(covering: maps)
  }

  /// The scale of one of `maps`: the shared one, or its own.
  func scale(of map: AttentionMap, shared: ValueScale, isDifference: Bool) -> ValueScale {
    guard isOwnRange else { return shared }
    return overlay == .jetCompat
      ? ValueScale(stretchedOver: map) : scale(of: [map], isDifference: isDifference)
  }

  /// How maps are interpolated, in words.
  var spread: String {
    switch (overlay, kernel) {
    // Contours are straight between the points that they are drawn through.
    case (.contour, .nearest): "contours by linear interpolation"
    case (.contour, _): "contours by \(kernel.rawValue) interpolation"
    case (_, .nearest): "no interpolation"
    default: "\(kernel.rawValue) interpolation"
    }
  }

  /// What a reader must know of maps of these grids, each as in `16×16`, in sentences.
  func note(grids: [String]) -> String {
    let grids = grids.joined(separator: ", ")
    let scale = isOwnRange ? "its own scale" : "the shared scale"
    return switch overlay {
    case .alpha:
      "Maps: \(grids) cells, \(spread), over the picture in grey; a colour is as opaque as its value’s "
        + "share of \(scale). The bar has the colours over middle grey."
    case .mosaic:
      "Maps: a square for each of the \(grids) cells, no interpolation, over the picture in grey; a "
        + "square’s colour gives its value on \(scale), and its area grows with the value."
    case .cells: "Maps: \(grids) cells, \(spread), colour by \(scale)."
    case .side: "Maps: \(grids) cells, \(spread), colour by \(scale), next to their pictures."
    case .dim:
      "Maps: \(grids) cells, \(spread); the picture’s brightness is multiplied by the value’s share "
        + "of \(scale)."
    case .contour:
      "Maps: contours of \(grids) cells, \(kernel == .nearest ? "linear" : kernel.rawValue) interpolation, at "
        + contours.map { "\(NumberText.plain($0 * 100)) %" }.joined(separator: ", ")
        + " of \(scale)."
    case .jetCompat:
      "Maps: \(grids) cells, bilinear interpolation ×16, colour map jet, each from its smallest to its largest value, "
        + "added to the picture as in Attend-and-Excite’s published figures"
        + (swapsRedAndBlue ? ", with the picture’s red and blue exchanged as there" : "")
        + "; colours cannot be compared between maps."
    }
  }

  /// How much of `maps` lies beyond the scale, as a sentence; empty if nothing does.
  package func clipping(of maps: [AttentionMap], _ scale: ValueScale) -> String {
    guard !isOwnRange else { return "" }
    let values = maps.lazy.flatMap(\.values).filter(\.isFinite)
    let above = values.count { Double($0) > scale.upper * (1 + 1e-6) }
    let below = values.count { Double($0) < scale.lower }
    var parts: [String] = []
    let total = values.count
    func cells(_ count: Int) -> String { "\(count) of \(total) cells" }
    if above > 0 { parts.append("\(cells(above)) above the scale have its last colour") }
    if below > 0 && !scale.isLogarithmic { parts.append("\(cells(below)) below it have its first") }
    let clipped = parts.isEmpty ? "" : "Clipped: " + parts.joined(separator: ", ") + "."
    guard scale.isLogarithmic else { return clipped }
    return clipped + (clipped.isEmpty ? "" : " ")
      + "Logarithmic colour scale from \(NumberText.value(scale.lower)); \(cells(below)) are smaller and "
      + "have its first colour."
  }
}
