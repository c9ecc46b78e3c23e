internal import AttentionAnalysis
internal import Drawing

/// One measure over the denoising steps: a line for each method, each of its runs, or each word.
///
/// Lines that coincide stay visible: where later ones lie on a line it is wider than they are, and the
/// markers of no two lines stand at the same step.
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

  /// Before the title; empty for none.
  var mark = ""
  var title: String
  var steps: Int
  var range: (lower: Double, upper: Double)
  var series: [Series]
  var schedule: StepSchedule
  /// Rows of tries above the plot, from the top; each with its method where there are several.
  var tries: [(row: TriesRow, style: CurveStyle?)]
  /// Rows of tries that are left free, so that the plots of a row of charts are of one height.
  var triesRows: Int
  /// Lines that are kept for the title, so that the plots of a row of charts are of one height.
  var titleLines = 1
  var plotHeight = Self.plotHeight
  /// Whether the axis of the steps says so; where not, the title does.
  var namesSteps = true

  static let plotHeight = 62.0
  static let lineWidth = 1.1
  /// How much wider a line is for each later one that lies on it.
  private static let casing = 1.3
  /// How near lines are that coincide, in points.
  private static let coincidence = 0.7
  /// The most labels of the values' axis.
  static let ticks = 5
  private static let edgeWidth = 0.35
  private static let titleHeight = 9.0
  private static let titlePitch = 8.0
  private static let titleStyle = SceneBuilder.TextStyle(size: 7)
  private static let markStyle = SceneBuilder.TextStyle(size: 8, isBold: true)
  private static let triesPitch = 7.5

  /// The height of a chart with so many rows of tries and lines of the title.
  static func height(
    triesRows: Int, titleLines: Int = 1, plotHeight: Double = Self.plotHeight,
    namesSteps: Bool = true
  ) -> Double {
    top(triesRows: triesRows, titleLines: titleLines) + plotHeight
      + Axes.bottomMargin(namesSteps: namesSteps)
  }

  /// The title in lines beside its mark in a chart of `width`.
  static func titleLines(
    _ title: String, mark: String, width: Double, _ builder: SceneBuilder
  ) -> [String] {
    let room = mark.isEmpty ? width : width - builder.width(of: mark, markStyle) - 3
    return builder.lines(title, width: room, titleStyle)
  }

  /// The room above the plot.
  private static func top(triesRows: Int, titleLines: Int) -> Double {
    titleHeight + Double(titleLines - 1) * titlePitch + Double(triesRows) * triesPitch + 4.5
  }

  /// Draws the chart in `frame`, margins included.
  func draw(in frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let margin = max(14, Axes.labelWidth(range, ticks: ticks, builder) + 3.5)
    let plot = Scene.Rect(
      x: frame.x + margin, y: frame.y + Self.top(triesRows: triesRows, titleLines: titleLines),
      width: frame.width - margin - Axes.rightMargin, height: plotHeight)
    let axes = Axes(
      plot: plot, lastStep: max(1, steps - 1), values: range, ticks: ticks, namesSteps: namesSteps)
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
        builder.group("casing \(index)") { drawCasing(line, one, index, axes, &$0) }
        builder.group("line \(index)") { draw(line, one, axes, &$0) }
      }
    }
    // Markers stand over all lines.
    for (index, one) in series.enumerated() {
      for line in one.lines {
        builder.group("markers \(index)") { drawMarkers(line, one, index, axes, &$0) }
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

  /// Fewer labels on a low plot.
  private var ticks: Int { plotHeight < 40 ? 3 : Self.ticks }

  private func drawTitle(_ frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let box = builder.text(mark, x: frame.x, y: frame.y + 7, Self.markStyle)
    let left = mark.isEmpty ? frame.x : box.maxX + 3
    let lines = Self.titleLines(title, mark: mark, width: frame.width, builder)
    for (index, line) in lines.enumerated() {
      builder.text(
        line, x: left, y: frame.y + 7 + Double(index) * Self.titlePitch, Self.titleStyle)
    }
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
        builder.line(upper, series.style.stroke(width: Self.edgeWidth))
        builder.line(lower, series.style.stroke(width: Self.edgeWidth))
      } else {
        builder.line([upper[0], lower[0]], series.style.stroke(width: Self.edgeWidth))
      }
    }
  }

  private func draw(
    _ values: [Double], _ series: Series, _ axes: Axes, _ builder: inout SceneBuilder
  ) {
    let width = series.lines.count > 1 ? Self.lineWidth / 2 : Self.lineWidth
    for stretch in Self.stretches(values.map { $0.isFinite ? $0 : nil }) {
      let points = stretch.map { place($0.step, values, axes) }
      if points.count > 1 {
        builder.line(points, series.style.stroke(width: width))
      } else {
        builder.add(series.style.node(at: points[0], on: builder.theme))
      }
    }
  }

  /// Widens a line where single lines of later series lie on it, by each of them.
  private func drawCasing(
    _ values: [Double], _ series: Series, _ index: Int, _ axes: Axes,
    _ builder: inout SceneBuilder
  ) {
    guard series.lines.count == 1, values.count > 1 else { return }
    let above = self.series.dropFirst(index + 1).filter { $0.lines.count == 1 }.map { $0.lines[0] }
    func coincides(_ other: [Double], _ step: Int) -> Bool {
      step < other.count && other[step].isFinite
        && abs(axes.y(other[step]) - axes.y(values[step])) < Self.coincidence
    }
    let counts = (1..<values.count).map { step in
      above.count { coincides($0, step - 1) && coincides($0, step) }
    }
    var start = 0
    while start < counts.count {
      let end = counts[start...].firstIndex { $0 != counts[start] } ?? counts.count
      if counts[start] > 0 {
        builder.line(
          (start...end).map { place($0, values, axes) },
          series.style.stroke(width: Self.lineWidth + Double(counts[start]) * Self.casing))
      }
      start = end
    }
  }

  /// Markers of different series stand at different steps, so that none hides another.
  private func drawMarkers(
    _ values: [Double], _ series: Series, _ index: Int, _ axes: Axes,
    _ builder: inout SceneBuilder
  ) {
    let stride = max(self.series.count, (axes.lastStep + 4) / 5)
    let first = stride * (2 * index + 1) / (2 * max(1, self.series.count))
    for step in Swift.stride(from: first, to: values.count, by: stride)
    where values[step].isFinite {
      builder.add(series.style.node(at: place(step, values, axes), on: builder.theme))
    }
  }

  private func place(_ step: Int, _ values: [Double], _ axes: Axes) -> Scene.Point {
    Scene.Point(axes.x(Double(step)), axes.y(values[step]))
  }
}
