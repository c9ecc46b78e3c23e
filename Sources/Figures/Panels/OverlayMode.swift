/// How a map is drawn over its picture.
public enum OverlayMode: String, Hashable, Sendable, CaseIterable, Codable {
  /// A square for each cell over the picture in grey, its area in proportion to the value.
  case mosaic
  /// Whole cells, which hide the picture.
  case cells
  /// Whole cells next to their picture.
  case side
  /// Colours over the picture in grey, their opacity in proportion to the value.
  case alpha
  /// The picture, darkened where attention is low (Tang et al., DAAM, ACL 2023).
  case dim
  /// The picture with lines of equal attention.
  case contour
  /// The style of Attend-and-Excite's published figures: the colour map jet added to the picture, each map
  /// scaled from its smallest to its largest value.
  case jetCompat = "jet-compat"

  /// The smallest square in points: two pixels at 300 dpi, so that its colour can be read.
  private static let smallestSquare = 0.55

  /// The part of a cell's sides that its square takes at `fraction` of the scale.
  ///
  /// A cell's own shorter side is `length` points.
  func side(at fraction: Double, length: Double) -> Double {
    guard self == .mosaic else { return 1 }
    return max(
      0.22, min(1, Self.smallestSquare / length), 0.94 * max(0, min(1, fraction)).squareRoot())
  }
}
