internal import AttentionAnalysis

/// One measure over the denoising steps: a line for each method, or for each of its runs.
struct CurveChart {
  /// One method's values.
  struct Series {
    /// From how many runs on their median and quartiles are drawn in the place of their lines.
    static let leastForBand = 5

    /// `[line, step]` what is drawn; NaN interrupts a line.
    let lines: [[Double]]
    /// `[step]` the quartiles over the runs; empty where every run has its own line.
    let band: [Quartiles?]
    let style: CurveStyle

    /// Lines of `runs`, `[run, step]`; of five and more that have any value, their median.
    ///
    /// A step at which fewer than five have a value has neither median nor band.
    init(_ runs: [[Double]], _ style: CurveStyle) {
      self.style = style
      let runs = runs.filter { $0.contains(where: \.isFinite) }
      guard runs.count >= Self.leastForBand else {
        (lines, band) = (runs, [])
        return
      }
      band = (0..<(runs.map(\.count).max() ?? 0)).map { step in
        let values = runs.map { step < $0.count && $0[step].isFinite ? $0[step] : .nan }
        return Quartiles(of: values).flatMap { $0.count >= Self.leastForBand ? $0 : nil }
      }
      lines = [band.map { $0?.median ?? .nan }]
    }

    /// Everything that is drawn.
    var values: [Double] {
      (lines.joined() + band.compactMap(\.self).flatMap { [$0.lower, $0.upper] })
        .filter(\.isFinite)
    }
  }

  var mark: String
  var title: String
  var steps: Int
  var range: (lower: Double, upper: Double)
  var series: [Series]
  var schedule: StepSchedule
  /// Rows of tries above the plot, from the top; each with its method where there are several.
  var tries: [(row: TriesRow, style: CurveStyle?)]
  /// Rows of tries that are left free, so that the plots of a row of charts are of one height.
  var triesRows: Int

  static let plotHeight = 62.0
  /// The most labels of the values' axis.
  static let ticks = 5
  private static let titleHeight = 9.0
  private static let triesPitch = 7.5

  /// The height of a chart with so many rows of tries.
  static func height(triesRows: Int) -> Double {
    top(triesRows: triesRows) + plotHeight + Axes.bottomMargin
  }

  /// The room above the plot.
  private static func top(triesRows: Int) -> Double {
    titleHeight + Double(triesRows) * triesPitch + 4.5
  }

  /// Draws the chart in `frame`, margins included.
  func draw(in frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let margin = max(14, Axes.labelWidth(range, ticks: Self.ticks, builder) + 3.5)
    let plot = Scene.Rect(
      x: frame.x + margin, y: frame.y + Self.top(triesRows: triesRows),
      width: frame.width - margin - Axes.rightMargin, height: Self.plotHeight)
    let axes = Axes(
      plot: plot, lastStep: max(1, steps - 1), values: range, ticks: Self.ticks)
    drawTitle(frame, &builder)
    schedule.drawShade(axes, &builder)
    builder.group("bands") { builder in
      for one in series { drawBand(one, axes, &builder) }
      for one in series { drawEdges(one, axes, &builder) }
    }
    schedule.drawEnd(axes, &builder)
    schedule.drawLevels(axes, &builder)
    axes.draw(&builder)
    for (index, one) in series.enumerated() {
      for line in one.lines {
        builder.group("line \(index)") { draw(line, one, index, axes, &$0) }
      }
    }
    for (index, (row, style)) in tries.enumerated() {
      let y = plot.y - 3 - Double(tries.count - 1 - index) * Self.triesPitch
      if let style {
        builder.add(style.node(at: Scene.Point(plot.x - 5, y - 2.2), on: builder.theme))
      }
      row.draw(above: axes, at: y, &builder)
    }
  }

  private func drawTitle(_ frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let box = builder.text(mark, x: frame.x, y: frame.y + 7, .init(size: 8, isBold: true))
    builder.text(
      title, x: box.maxX + 3, y: frame.y + 7, .init(size: 7), width: frame.maxX - box.maxX - 3)
  }

  /// Runs of neighbouring steps at which `values` has a number.
  private static func stretches<Value>(_ values: [Value?]) -> [[(step: Int, value: Value)]] {
    var result: [[(step: Int, value: Value)]] = []
    for (step, value) in values.enumerated() {
      guard let value else { continue }
      if let last = result.last?.last, last.step == step - 1 {
        result[result.count - 1].append((step, value))
      } else {
        result.append([(step, value)])
      }
    }
    return result
  }

  private static func points(
    _ stretch: [(step: Int, value: Quartiles)], _ part: (Quartiles) -> Double, _ axes: Axes
  ) -> [Scene.Point] {
    stretch.map { Scene.Point(axes.x(Double($0.step)), axes.y(part($0.value))) }
  }

  private func drawBand(_ series: Series, _ axes: Axes, _ builder: inout SceneBuilder) {
    for stretch in Self.stretches(series.band) where stretch.count > 1 {
      let upper = Self.points(stretch, \.upper, axes)
      let lower = Self.points(stretch, \.lower, axes)
      builder.add(
        .path(
          upper + lower.reversed(), closed: true, fill: series.style.tint(on: builder.theme),
          stroke: nil))
    }
  }

  /// The edges stand over all bands: where two cover each other both can be followed.
  private func drawEdges(_ series: Series, _ axes: Axes, _ builder: inout SceneBuilder) {
    for stretch in Self.stretches(series.band) {
      let (upper, lower) = (
        Self.points(stretch, \.upper, axes), Self.points(stretch, \.lower, axes)
      )
      if stretch.count > 1 {
        builder.line(upper, series.style.edge(on: builder.theme))
        builder.line(lower, series.style.edge(on: builder.theme))
      } else {
        builder.line([upper[0], lower[0]], series.style.edge(on: builder.theme))
      }
    }
  }

  private func draw(
    _ values: [Double], _ series: Series, _ index: Int, _ axes: Axes,
    _ builder: inout SceneBuilder
  ) {
    let style = series.style
    func place(_ step: Int) -> Scene.Point {
      Scene.Point(axes.x(Double(step)), axes.y(values[step]))
    }
    for stretch in Self.stretches(values.map { $0.isFinite ? $0 : nil }) {
      let points = stretch.map { place($0.step) }
      if points.count > 1 {
        builder.line(points, style.stroke(isThin: series.lines.count > 1, on: builder.theme))
      } else {
        builder.add(style.node(at: points[0], on: builder.theme))
      }
    }
    // Markers of different methods stand at different steps, so that none hides another.
    let stride = max(1, (axes.lastStep + 4) / 5)
    let first = stride * (2 * index + 1) / (2 * max(1, self.series.count))
    for step in Swift.stride(from: first, to: values.count, by: stride)
    where values[step].isFinite {
      builder.add(style.node(at: place(step), on: builder.theme))
    }
  }
}
