internal import AttentionAnalysis
internal import Drawing

/// A measure at each value of a knob: the mean, and the interval that it lies in.
struct OutcomeChart {
  /// One line.
  struct Series {
    /// `[value]` the mean with its interval; NaN where nothing was measured.
    var intervals: [BootstrapInterval]
    /// `nil` for the theme's ink.
    var color: Color?
    var marker: Marker
    /// The only value whose marker is filled; `nil` if all are.
    var filled: Int?
  }

  static let levelDash = [2.0, 1.5]
  private static let title = SceneBuilder.TextStyle(size: 7)
  private static let small = SceneBuilder.TextStyle(size: 6)
  /// Between the points of neighbouring lines, so that none hides another's interval.
  private static let shift = 5.0

  var title: String
  /// What stands below the values.
  var label: String
  /// The values of the knob.
  var values: [String]
  /// The ends of the measure's axis.
  var range = (lower: 0.0, upper: 1.0)
  /// The most labels of that axis.
  var ticks = 3
  var series: [Series]
  /// A level across the plot; `nil` for none.
  var level: Double?
  var plotHeight = 70.0

  /// Draws the chart from `y` down, and returns its bottom.
  func draw(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) -> Double {
    let top =
      builder.paragraph(
        title, x: x, y: y, width: width, Self.title, baseline: 6.6, pitch: 8) + 4
    let margin = max(17, Axes.labelWidth(range, ticks: ticks, builder) + 4)
    let plot = Scene.Rect(
      x: x + margin, y: top, width: width - margin - 1, height: plotHeight)
    drawFrame(plot, &builder)
    for (index, one) in series.enumerated() { draw(one, index, plot, &builder) }
    return drawValues(plot, &builder)
  }

  /// The middle of a value's place.
  private func center(_ value: Int, _ plot: Scene.Rect) -> Double {
    plot.x + (Double(value) + 0.5) / Double(values.count) * plot.width
  }

  private func height(_ value: Double, _ plot: Scene.Rect) -> Double {
    plot.maxY - max(0, min(1, (value - range.lower) / (range.upper - range.lower))) * plot.height
  }

  private func drawFrame(_ plot: Scene.Rect, _ builder: inout SceneBuilder) {
    builder.rectangle(plot, stroke: builder.rule(0.5))
    let labels = Ticks(from: range.lower, to: range.upper, atMost: ticks)
    for tick in labels.values {
      let y = height(tick, plot)
      builder.line([Scene.Point(plot.x - 2, y), Scene.Point(plot.x, y)], builder.rule(0.5))
      builder.text(
        NumberText.tick(tick, step: labels.step), x: plot.x - 3, y: y + 2.1, Self.small, .trailing)
    }
    if let level {
      let y = height(level, plot)
      builder.line(
        [Scene.Point(plot.x, y), Scene.Point(plot.maxX, y)],
        builder.rule(0.6, dash: Self.levelDash))
    }
  }

  private func draw(
    _ one: Series, _ index: Int, _ plot: Scene.Rect, _ builder: inout SceneBuilder
  ) {
    let color = one.color ?? builder.theme.ink
    let room = plot.width / Double(max(1, values.count)) / Double(series.count + 1)
    let aside = (Double(index) - Double(series.count - 1) / 2) * min(Self.shift, room)
    var points: [(value: Int, place: Scene.Point)] = []
    for (value, interval) in one.intervals.enumerated() where interval.estimate.isFinite {
      let x = center(value, plot) + aside
      points.append((value, Scene.Point(x, height(interval.estimate, plot))))
      guard interval.lower.isFinite, interval.upper.isFinite else { continue }
      let (low, high) = (height(interval.lower, plot), height(interval.upper, plot))
      let stroke = Scene.Stroke(color, width: 0.8)
      builder.group("interval \(index)") { builder in
        builder.line([Scene.Point(x, low), Scene.Point(x, high)], stroke)
        for y in [low, high] {
          builder.line([Scene.Point(x - 1.5, y), Scene.Point(x + 1.5, y)], stroke)
        }
      }
    }
    if points.count > 1 {
      builder.line(points.map(\.place), Scene.Stroke(color, width: 0.5, dash: [1, 1]))
    }
    for (value, point) in points {
      let isFilled = one.filled.map { $0 == value } ?? true
      builder.add(
        isFilled
          ? one.marker.node(at: point, radius: 1.9, fill: color, stroke: nil)
          : one.marker.node(
            at: point, radius: 1.7, fill: builder.theme.paper,
            stroke: Scene.Stroke(color, width: 0.7)))
    }
  }

  /// The values below the plot, wrapped in their places, and the knob; returns the bottom.
  private func drawValues(_ plot: Scene.Rect, _ builder: inout SceneBuilder) -> Double {
    let labels = values.map { ColumnLabels.Label(name: $0) }
    let columns = ColumnLabels(
      labels, width: plot.width / Double(max(1, values.count)) - 3, builder)
    for value in values.indices {
      let x = center(value, plot)
      builder.line(
        [Scene.Point(x, plot.maxY), Scene.Point(x, plot.maxY + 2)], builder.rule(0.5))
    }
    let bottom = columns.draw(
      centers: values.indices.map { center($0, plot) }, y: plot.maxY + 2.5, &builder)
    builder.text(label, x: plot.x + plot.width / 2, y: bottom + 5.6, Self.small, .center)
    return bottom + 8
  }
}
