/// How the lines of a method look in every chart.
enum MethodLine {
  /// The method without guidance: thin, dashed, hollow markers.
  case plain
  /// The guided one: solid, filled markers.
  case excited

  func stroke(_ color: Color) -> Scene.Stroke {
    switch self {
    case .plain: Scene.Stroke(color, width: 0.75, dash: [2.6, 1.4])
    case .excited: Scene.Stroke(color, width: 1.1)
    }
  }

  func node(_ marker: Marker, at place: Scene.Point, color: Color) -> Scene.Node {
    switch self {
    case .plain:
      marker.node(
        at: place, radius: 1.4, fill: .white, stroke: Scene.Stroke(color, width: 0.6))
    case .excited: marker.node(at: place, radius: 1.7, fill: color, stroke: nil)
    }
  }
}

/// Shapes that tell lines apart without colour.
enum Marker: CaseIterable {
  case circle
  case square
  case triangle
  case diamond

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
