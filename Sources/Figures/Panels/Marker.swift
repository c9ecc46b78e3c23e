internal import Drawing

/// Shapes that tell lines apart without colour.
enum Marker: CaseIterable {
  case circle
  case square
  case triangle
  case diamond
  case wedge
  case bar

  /// The corners around the centre, at a distance of about 1.
  private var corners: [(Double, Double)] {
    switch self {
    case .circle:
      [
        (1, 0), (0.87, 0.5), (0.5, 0.87), (0, 1), (-0.5, 0.87), (-0.87, 0.5), (-1, 0),
        (-0.87, -0.5), (-0.5, -0.87), (0, -1), (0.5, -0.87), (0.87, -0.5),
      ]
    case .square: [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    case .triangle: [(0, -1.2), (1.1, 0.8), (-1.1, 0.8)]
    case .diamond: [(0, -1.3), (1.1, 0), (0, 1.3), (-1.1, 0)]
    case .wedge: [(0, 1.2), (1.1, -0.8), (-1.1, -0.8)]
    case .bar: [(-1.4, -0.55), (1.4, -0.55), (1.4, 0.55), (-1.4, 0.55)]
    }
  }

  func node(
    at place: Scene.Point, radius: Double, fill: Color?, stroke: Scene.Stroke?
  ) -> Scene.Node {
    .path(
      corners.map { Scene.Point(place.x + $0.0 * radius, place.y + $0.1 * radius) },
      closed: true, fill: fill, stroke: stroke)
  }
}
