internal import AttentionAnalysis
internal import Drawing

/// A subject's excitation score as a bar from 0 to 1, with the levels that its verdict follows.
struct ScoreBar {
  /// Height of the bar in points.
  static let height = 5.0

  /// In 0…1; NaN if nothing was measured.
  var value: Float
  var criteria: NeglectCriteria

  /// Draws the bar from `x` on, centred on `y`, in ink: colours are for words.
  func draw(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) {
    let frame = Scene.Rect(
      x: x, y: y - Self.height / 2, width: width, height: Self.height)
    if value.isFinite {
      var filled = frame
      filled.width *= Double(max(0, min(1, value)))
      builder.rectangle(filled, fill: builder.theme.secondary)
      builder.rectangle(frame, stroke: builder.rule(0.4))
    } else {
      MapPanel.hatch(frame, &builder)
      builder.rectangle(frame, stroke: builder.rule(0.4))
    }
    for level in [criteria.neglectedBelow, criteria.highFrom] {
      let place = x + Double(level) * width
      builder.line(
        [Scene.Point(place, frame.y - 1.5), Scene.Point(place, frame.maxY + 1.5)],
        Scene.Stroke(builder.theme.ink, width: 0.8))
    }
  }

  /// The verdict's mark: its shape tells it, in ink.
  static func mark(
    _ verdict: NeglectVerdict, at place: Scene.Point, on theme: Theme
  ) -> Scene.Node {
    let outline = Scene.Stroke(theme.ink, width: 0.9)
    switch verdict {
    case .high:
      return Marker.circle.node(at: place, radius: 2.3, fill: theme.paper, stroke: outline)
    case .weak:
      return Marker.diamond.node(at: place, radius: 2.1, fill: theme.paper, stroke: outline)
    case .lost:
      return Marker.triangle.node(at: place, radius: 2.3, fill: theme.paper, stroke: outline)
    case .neglected:
      return Marker.triangle.node(at: place, radius: 2.6, fill: theme.ink, stroke: nil)
    case .unmeasured:
      return Marker.square.node(at: place, radius: 2.2, fill: theme.paper, stroke: outline)
    }
  }
}
