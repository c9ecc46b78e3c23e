/// Lines over the denoising steps, with what Attend-and-Excite did at them.
struct StepChart {
  /// One method's value at each step.
  struct Series {
    /// By step; what is not a number interrupts the line.
    var values: [Float]
    /// `nil` for the theme's ink.
    var color: Color?
    var line: MethodLine
    var marker: Marker?
    /// Refinement's values in the order of its tries, by the step they precede.
    var tries: [Int: [Float]] = [:]
  }

  /// Room above the plot for its title and the counts of tries.
  static let topMargin = 16.5
  private static let leftMargin = 14.0

  var title: String
  var steps: Int
  var series: [Series]
  /// The value to reach, by step.
  var targets: [Int: Double]
  /// Tries of iterative refinement, by step.
  var tries: [Int: Int]
  /// Steps in which the latent was altered; the rest is shaded.
  var alteredSteps: Int

  /// Draws the chart in `frame`, margins included.
  func draw(in frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let margin = max(Self.leftMargin, Axes.labelWidth(valueRange, builder) + 3.5)
    let plot = Scene.Rect(
      x: frame.x + margin, y: frame.y + Self.topMargin,
      width: frame.width - margin - Axes.rightMargin,
      height: frame.height - Self.topMargin - Axes.bottomMargin)
    let axes = Axes(plot: plot, lastStep: lastStep, values: valueRange)
    builder.text(
      title, x: plot.x, y: frame.y + 6.5, .init(size: 6.5), width: frame.maxX - plot.x)
    let schedule = StepSchedule(
      levels: targets.mapValues { [$0] }, alteredSteps: alteredSteps)
    schedule.drawShade(axes, &builder)
    schedule.drawEnd(axes, &builder)
    schedule.drawLevels(axes, &builder)
    axes.draw(&builder)
    for line in series { draw(line, axes, &builder) }
    TriesRow(counts: tries, sign: "×").draw(above: axes, at: axes.plot.y - 1.6, &builder)
  }

  private var lastStep: Int {
    max(1, max(steps, series.map(\.values.count).max() ?? 0) - 1)
  }

  /// 0…1, or more where the values need it.
  private var valueRange: (Double, Double) {
    let values = series.flatMap { $0.values + $0.tries.values.flatMap { $0 } }
      .filter(\.isFinite).map(Double.init)
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 1)
    guard least < 0 || greatest > 1 else { return (0, 1) }
    let step = Ticks(from: min(0, least), to: max(1, greatest), atMost: 4).step
    return (
      (min(0, least) / step).rounded(.down) * step, (max(1, greatest) / step).rounded(.up) * step
    )
  }

  private func draw(_ series: Series, _ axes: Axes, _ builder: inout SceneBuilder) {
    let color = series.color ?? builder.theme.ink
    let stroke = series.line.stroke(color)
    for (step, values) in series.tries.sorted(by: { $0.key < $1.key }) {
      for (index, value) in values.enumerated() where value.isFinite {
        let x = Double(step) - 1 + Double(index + 1) / Double(values.count + 1)
        let place = Scene.Point(axes.x(max(0, x)), axes.y(Double(value)))
        builder.add(Marker.circle.node(at: place, radius: 0.6, fill: color, stroke: nil))
      }
    }
    var points: [Scene.Point] = []
    for (step, value) in series.values.enumerated() {
      if value.isFinite { points.append(Scene.Point(axes.x(Double(step)), axes.y(Double(value)))) }
      if !value.isFinite || step == series.values.count - 1 {
        if points.count > 1 { builder.line(points, stroke) }
        if points.count == 1, let place = points.first {
          builder.add(Marker.circle.node(at: place, radius: 0.8, fill: color, stroke: nil))
        }
        points = []
      }
    }
    guard let marker = series.marker else { return }
    let stride = max(1, (lastStep + 5) / 6)
    for step in Swift.stride(from: stride / 2, to: series.values.count, by: stride)
    where series.values[step].isFinite {
      let place = Scene.Point(axes.x(Double(step)), axes.y(Double(series.values[step])))
      builder.add(series.line.node(marker, at: place, color: color, on: builder.theme))
    }
  }
}
