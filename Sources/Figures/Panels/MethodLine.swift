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

  func node(
    _ marker: Marker, at place: Scene.Point, color: Color, on theme: Theme
  ) -> Scene.Node {
    switch self {
    case .plain:
      marker.node(
        at: place, radius: 1.4, fill: theme.paper, stroke: Scene.Stroke(color, width: 0.6))
    case .excited: marker.node(at: place, radius: 1.7, fill: color, stroke: nil)
    }
  }
}
