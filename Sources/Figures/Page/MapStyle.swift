public import AttentionAnalysis

/// How maps are drawn.
public struct MapStyle: Hashable, Sendable {
  /// Which range of values the colours stand for.
  public enum Range: Hashable, Sendable {
    /// From zero to the largest value of all maps of the sheet.
    case shared
    /// Each map's own, printed beneath it.
    case own
    /// As given; what lies beyond takes the colour of the end, and the sheet says how much does.
    case fixed(lower: Double, upper: Double)
  }

  /// How a map lies over its picture.
  public var overlay: OverlayMode
  /// The maps' colours; differences have their own.
  public var colors: ColorMap
  /// How values are spread between cells.
  public var interpolation: Recipe.Interpolation
  /// Which range of values the colours stand for.
  public var range: Range
  /// Whether equal ratios of values, not equal differences, have equal steps of colour.
  public var isLogarithmic: Bool
  /// Where contours run, as shares of the scale in 0…1.
  public var contours: [Double]
  /// Whether red and blue of the picture change places, as in Attend-and-Excite's own figures.
  public var swapsRedAndBlue: Bool

  /// Describes how maps are drawn; see the properties.
  public init(
    overlay: OverlayMode = .mosaic, colors: ColorMap = .magma,
    interpolation: Recipe.Interpolation = .nearest, range: Range = .shared,
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

  /// The style in which differences of maps are drawn: their own colours, zero in the middle.
  var forDifferences: MapStyle {
    var style = self
    style.colors = .difference
    return style
  }

  /// The colours of strips and colour bar, which are those of the maps.
  var shownColors: ColorMap {
    switch overlay {
    case .dim: .gray
    case .jetCompat: .jet
    default: colors
    }
  }

  /// Whether each map has a scale of its own.
  var isOwnRange: Bool { range == .own || overlay == .jetCompat }

  /// Refuses what cannot be drawn together.
  package func validate(isDifference: Bool) throws {
    func require(_ condition: Bool, _ what: String) throws {
      guard condition else { throw FigureError.inconsistentSheet(what) }
    }
    if case .fixed(let lower, let upper) = range {
      try require(
        lower < upper && lower.isFinite && upper.isFinite,
        "a scale from \(lower) to \(upper); expected two numbers, the lower first")
      try require(
        !isLogarithmic || lower > 0, "a logarithmic scale from \(lower); expected above 0")
      try require(
        overlay != .jetCompat, "a fixed range with jet-compat, which stretches each map by itself")
    }
    try require(
      contours.allSatisfy { $0 > 0 && $0 < 1 },
      "contours at \(contours); expected shares of the scale between 0 and 1")
    try require(
      overlay != .contour || !contours.isEmpty, "no level to draw contours at")
    try require(
      interpolation == .nearest || [.cells, .side, .alpha, .dim].contains(overlay),
      "\(interpolation.rawValue) interpolation with \(overlay.rawValue), which has its own")
    guard isDifference else { return }
    try require(!isLogarithmic, "a logarithmic scale for differences, which have two signs")
    try require(
      [.mosaic, .cells, .side].contains(overlay),
      "differences with \(overlay.rawValue); expected mosaic, cells or side")
    try require(
      colors == MapStyle().colors || colors == .difference,
      "differences in \(colors.name); they have colours of their own, with a mark at zero")
  }

  /// The scale of `maps`, of which all are drawn on it.
  package func scale(of maps: [HeatMap], isDifference: Bool) -> ValueScale {
    if case .fixed(let lower, let upper) = range {
      return ValueScale(lower: lower, upper: upper, isLogarithmic: isLogarithmic)
    }
    if isDifference { return ValueScale(symmetricCovering: maps) }
    return isLogarithmic ? ValueScale(logarithmCovering: maps) : ValueScale(covering: maps)
  }

  /// The scale of one of `maps`: the shared one, or its own.
  func scale(of map: HeatMap, shared: ValueScale, isDifference: Bool) -> ValueScale {
    guard isOwnRange else { return shared }
    return overlay == .jetCompat
      ? ValueScale(stretchedOver: map) : scale(of: [map], isDifference: isDifference)
  }

  /// Whether and how values are spread between cells, in words.
  var spread: String {
    switch (overlay, interpolation) {
    case (.contour, _): "contours straight between the cells’ middles"
    case (.jetCompat, _): "bilinear between the cells’ middles"
    case (_, .nearest): "cells not interpolated"
    default: "\(interpolation.rawValue) between the cells’ middles"
    }
  }

  /// What a reader must know of maps of these grids, each as in `16×16`, in sentences.
  func note(grids: [String]) -> String {
    let grids = grids.joined(separator: ", ")
    let spread =
      interpolation == .nearest
      ? "not interpolated" : "\(interpolation.rawValue) between their middles"
    let scale = isOwnRange ? "its own scale" : "the shared scale"
    return switch overlay {
    case .mosaic:
      "Maps: a square for each of the \(grids) cells, not interpolated, over the image in grey; a "
        + "square’s colour is its value on \(scale), and its area grows with it."
    case .cells: "Maps: \(grids) cells, \(spread), colour by \(scale)."
    case .side: "Maps: \(grids) cells, \(spread), colour by \(scale), beside their pictures."
    case .alpha:
      "Maps: \(grids) cells, \(spread), over the image in grey; colour and opacity by \(scale)."
    case .dim:
      "Maps: \(grids) cells, \(spread); the image keeps the share of its brightness that a value has "
        + "of \(scale)."
    case .contour:
      "Maps: contours of \(grids) cells, straight between the cells’ middles, at "
        + contours.map { "\(NumberText.plain($0 * 100)) %" }.joined(separator: ", ")
        + " of \(scale)."
    case .jetCompat:
      "Maps: \(grids) cells, bilinear ×16, in jet, each stretched from its least to its largest value, "
        + "added to the image as in Attend-and-Excite’s published figures"
        + (swapsRedAndBlue ? ", red and blue of the image exchanged as there" : "")
        + "; colours cannot be compared between maps."
    }
  }

  /// How much of `maps` lies beyond the scale, as a sentence; empty if nothing does.
  package func clipping(of maps: [HeatMap], _ scale: ValueScale) -> String {
    guard !isOwnRange else { return "" }
    let values = maps.lazy.flatMap(\.values).filter(\.isFinite)
    let above = values.count { Double($0) > scale.upper * (1 + 1e-6) }
    let below = values.count { Double($0) < scale.lower }
    var parts: [String] = []
    let total = values.count
    func cells(_ count: Int) -> String { "\(count) of \(total) cells" }
    if above > 0 { parts.append("\(cells(above)) above the scale take its last colour") }
    if below > 0 && !scale.isLogarithmic { parts.append("\(cells(below)) below it take its first") }
    let clipped = parts.isEmpty ? "" : "Clipped: " + parts.joined(separator: ", ") + "."
    guard scale.isLogarithmic else { return clipped }
    return clipped + (clipped.isEmpty ? "" : " ")
      + "Logarithmic from \(NumberText.value(scale.lower)); \(cells(below)) are smaller and take its "
      + "first colour."
  }
}
