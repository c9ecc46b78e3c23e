/// How a map lies over its picture.
///
/// In every mode a cell's colour is the colour map's own, so that
/// the colour bar gives its value back.
public enum OverlayMode: String, Hashable, Sendable, CaseIterable, Codable {
  /// Over the picture in grey a square for each cell, its area in proportion to the value: what
  /// is attended to is covered, the rest can be seen.
  case mosaic
  /// Whole cells, edge to edge, which hide the picture.
  case cells

  /// The smallest square in points: two pixels at 300 dpi, so that its colour can be read.
  private static let smallestSquare = 0.55

  /// The part of a cell's sides that its square takes at `fraction` of the scale.
  ///
  /// A cell's own shorter side is `length` points.
  func side(at fraction: Double, length: Double) -> Double {
    switch self {
    case .mosaic:
      max(
        0.22, min(1, Self.smallestSquare / length),
        0.94 * max(0, min(1, fraction)).squareRoot())
    case .cells: 1
    }
  }

  /// What a reader must know, as a sentence.
  func note(rows: Int, columns: Int) -> String { note(grids: ["\(rows)×\(columns)"]) }

  /// What a reader must know of maps of these grids, each as in `16×16`.
  func note(grids: [String]) -> String {
    let grids = grids.joined(separator: ", ")
    return switch self {
    case .mosaic:
      "Maps: a square for each of the \(grids) cells, not interpolated, over the image"
        + " in grey; a square’s colour is its value on the shared scale, and its area grows with it."
    case .cells: "Maps: \(grids) cells, not interpolated, colour by the shared scale."
    }
  }
}
