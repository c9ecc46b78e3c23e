internal import AttentionAnalysis
internal import Drawing

/// How a map is drawn over its picture.
public enum OverlayMode: String, Hashable, Sendable, CaseIterable, Codable {
  /// Colours over the picture in grey, as opaque as the value is high.
  case alpha
  /// A square for each cell over the picture in grey, its area in proportion to the value.
  case mosaic
  /// Whole cells, which hide the picture.
  case cells
  /// Whole cells next to their picture.
  case side
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

  /// How values between the centres of cells are found, unless a style says it.
  ///
  /// What shows cells shows them as they are; what lies over a picture is smooth, so that the picture's
  /// own shapes are the only edges.
  var interpolation: Recipe.Interpolation {
    switch self {
    case .mosaic, .cells, .side: .nearest
    case .alpha, .dim, .contour: .bicubic
    case .jetCompat: .bilinear
    }
  }

  /// Whether another interpolation may be asked for.
  var takesInterpolation: Bool { self != .mosaic && self != .jetCompat }
}
