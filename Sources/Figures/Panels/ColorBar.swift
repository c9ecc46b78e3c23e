internal import Pictures

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
      caption, x: x, y: y, width: width, Self.label, baseline: 6.2, pitch: 7.8, atMost: 3)
    let colors = style.shownColors
    let bar = Scene.Rect(x: x + 4, y: bottom + 1, width: width - 8, height: Self.barHeight)
    builder.add(
      .image(
        Picture(
          width: colors.colors.count, height: 1,
          pixels: colors.colors.flatMap { [$0.red, $0.green, $0.blue] }), bar))
    builder.rectangle(bar, stroke: builder.rule(0.4))
    if style.isOwnRange {
      builder.text("each map’s smallest", x: x, y: bar.maxY + 8, Self.ticks)
      builder.text("each map’s largest", x: x + width, y: bar.maxY + 8, Self.ticks, .trailing)
    } else {
      drawTicks(bar, &builder)
    }
    return bar.maxY + 10
  }

  /// The two ends exactly, and round values between where there is room for them.
  private func drawTicks(_ bar: Scene.Rect, _ builder: inout SceneBuilder) {
    var marks = [(scale.upper, NumberText.value(scale.upper))]
    if scale.lower != 0 { marks.append((scale.lower, NumberText.value(scale.lower))) }
    if style.overlay == .contour {
      marks += style.contours.map(scale.value(at:)).map { ($0, NumberText.value($0)) }
    }
    marks += scale.marks(atMost: 6)
    var taken: [(Double, Double)] = []
    for (value, text) in marks {
      let x = bar.x + scale.fraction(of: value) * bar.width
      let half = builder.width(of: text, Self.ticks) / 2
      // The ends' labels may reach over the bar's ends by its margin of 4, no further.
      let center = min(max(x, bar.x - 4 + half), bar.maxX + 4 - half)
      if taken.contains(where: { center - half < $0.1 + 3 && center + half > $0.0 - 3 }) {
        continue
      }
      taken.append((center - half, center + half))
      builder.line(
        [Scene.Point(x, bar.maxY), Scene.Point(x, bar.maxY + 2)], builder.rule(0.4))
      builder.text(text, x: center, y: bar.maxY + 8, Self.ticks, .center)
    }
  }
}
