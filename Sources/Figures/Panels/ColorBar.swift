internal import Drawing

/// The colours of a scale with their values, and what they measure.
struct ColorBar {
  private static let label = SceneBuilder.TextStyle(size: 6.5)
  private static let ticks = SceneBuilder.TextStyle(size: 6)
  private static let barHeight = 7.0

  var scale: ValueScale
  var style: MapStyle
  /// The quantity and its unit.
  var caption: String

  /// Draws the bar `width` wide below `y`.
  /// - Returns: The bottom of it.
  func draw(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) -> Double {
    let bottom = builder.paragraph(
      caption, x: x, y: y, width: width, Self.label, baseline: 6.2, pitch: 7.8)
    let bar = Scene.Rect(x: x + 4, y: bottom + 1, width: width - 8, height: Self.barHeight)
    builder.add(.gradient((0..<256).map { style.seen(at: (Double($0) + 0.5) / 256) }, bar))
    builder.rectangle(bar, stroke: builder.rule(0.4))
    if style.isOwnRange {
      var ends = ["each map’s smallest", "each map’s peak"]
      let room = ends.reduce(10) { $0 + builder.width(of: $1, Self.ticks) }
      if room > width { ends = ["smallest", "peak"] }
      builder.text(ends[0], x: x, y: bar.maxY + 8, Self.ticks)
      builder.text(ends[1], x: x + width, y: bar.maxY + 8, Self.ticks, .trailing)
    } else {
      drawTicks(bar, &builder)
    }
    return bar.maxY + 10
  }

  /// The two ends exactly, and between them round values where there is room for them; of contours, the
  /// levels, and nothing else.
  private func drawTicks(_ bar: Scene.Rect, _ builder: inout SceneBuilder) {
    let isContour = style.overlay == .contour
    var marks = [(scale.upper, NumberText.value(scale.upper))]
    if scale.lower != 0 || isContour {
      marks.append((scale.lower, NumberText.value(scale.lower)))
    }
    marks +=
      isContour
      ? style.contours.map(scale.value(at:)).map { ($0, NumberText.value($0)) }
      : scale.marks(atMost: 6)
    var taken: [(Double, Double)] = []
    for (value, text) in marks {
      let x = bar.x + scale.fraction(of: value) * bar.width
      let half = builder.width(of: text, Self.ticks) / 2
      // The ends' labels may reach over the bar's ends by its margin of 4, no further.
      let center = min(max(x, bar.x - 4 + half), bar.maxX + 4 - half)
      let isFree = !taken.contains { center - half < $0.1 + 3 && center + half > $0.0 - 3 }
      // A level is marked even where there is no room for its number.
      guard isFree || isContour else { continue }
      builder.line(
        [Scene.Point(x, bar.maxY), Scene.Point(x, bar.maxY + 2)], builder.rule(0.4))
      guard isFree else { continue }
      taken.append((center - half, center + half))
      builder.text(text, x: center, y: bar.maxY + 8, Self.ticks, .center)
    }
  }
}
