internal import AttentionAnalysis
internal import Drawing

/// A score of several methods as bars with intervals, and a level that none can be expected to pass.
struct BarChart {
  /// The axis of a score's values.
  struct Axis: Hashable {
    /// Where bars begin: 0, unless all values lie so close together that bars from 0 would look alike.
    let lower: Double
    let upper: Double

    /// The most labels.
    static let ticks = 6

    /// The axis that holds `values`; from 0 to 1 if there are none.
    ///
    /// It begins at 0 unless the least value is above half of the greatest.
    init(holding values: [Double]) {
      let finite = values.filter(\.isFinite)
      guard let least = finite.min(), let most = finite.max(), most > 0 || least < 0 else {
        (lower, upper) = (0, 1)
        return
      }
      let isFar = least > most / 2 && least < most
      // A tenth of the spread below the least value, so that its bar can be seen.
      let begin = isFar ? least - (most - least) / 4 : min(0, least)
      let ends = Ticks.ends(from: begin, to: max(0, most), atMost: Self.ticks)
      (lower, upper) = (ends.lower, ends.upper)
    }

    /// Where bars begin.
    var origin: Double { max(lower, min(0, upper)) }

    /// Its labelled values.
    var labels: Ticks { Ticks(from: lower, to: upper, atMost: Self.ticks) }
  }

  /// The least room of a bar: that of a number below it.
  static let leastBar = 7.0
  /// Room above the plot for half of the highest label.
  static let topMargin = 3.0
  /// Room below the plot for the numbers of bars.
  static let bottomMargin = 8.5
  private static let small = SceneBuilder.TextStyle(size: 6)
  private static let capWidth = 1.6

  let plot: Scene.Rect
  let axis: Axis
  /// By method; NaN where nothing was scored.
  let bars: [BootstrapInterval]
  let fills: [BarFill]
  /// What cannot be expected to be passed; `nil` for none.
  let bound: BootstrapInterval?
  /// Whether the values stand left of the plot.
  let isLabelled: Bool

  /// Room left of a labelled plot.
  static func labelWidth(_ axis: Axis, _ builder: SceneBuilder) -> Double {
    let labels = axis.labels
    return 4
      + (labels.values.map {
        builder.width(of: NumberText.tick($0, step: labels.step), small)
      }.max() ?? 0)
  }

  private func height(_ value: Double) -> Double {
    plot.maxY - (max(axis.lower, min(axis.upper, value)) - axis.lower)
      / (axis.upper - axis.lower) * plot.height
  }

  func draw(_ builder: inout SceneBuilder) {
    drawBand(&builder)
    let labels = axis.labels
    for value in labels.values {
      let y = height(value)
      if y < plot.maxY - 0.1, y > plot.y + 0.1 {
        builder.line(
          [Scene.Point(plot.x, y), Scene.Point(plot.maxX, y)],
          Scene.Stroke(builder.theme.shade, width: 0.4))
      }
      builder.line([Scene.Point(plot.x - 2, y), Scene.Point(plot.x, y)], builder.rule(0.5))
      guard isLabelled else { continue }
      builder.text(
        NumberText.tick(value, step: labels.step), x: plot.x - 3, y: y + 2.1, Self.small,
        .trailing)
    }
    let room = plot.width / Double(max(1, bars.count))
    for (index, bar) in bars.enumerated() {
      let middle = plot.x + (Double(index) + 0.5) * room
      builder.group("bar \(index + 1)") { builder in
        draw(bar, fills[index], middle: middle, width: min(room * 0.72, 16), &builder)
        builder.text("\(index + 1)", x: middle, y: plot.maxY + 7, Self.small, .center)
      }
    }
    drawBound(&builder)
    builder.line([Scene.Point(plot.x, plot.y), Scene.Point(plot.x, plot.maxY)], builder.rule(0.5))
    let base = height(axis.origin)
    builder.line([Scene.Point(plot.x, base), Scene.Point(plot.maxX, base)], builder.rule(0.5))
  }

  private func draw(
    _ interval: BootstrapInterval, _ fill: BarFill, middle: Double, width: Double,
    _ builder: inout SceneBuilder
  ) {
    let base = height(axis.origin)
    guard interval.estimate.isFinite else {
      // No bar of no height, which would say that the score is the least.
      builder.line(
        [Scene.Point(middle - 2, base - 4.5), Scene.Point(middle + 2, base - 0.5)],
        builder.rule(0.7))
      builder.line(
        [Scene.Point(middle - 2, base - 0.5), Scene.Point(middle + 2, base - 4.5)],
        builder.rule(0.7))
      return
    }
    let end = height(interval.estimate)
    fill.draw(
      Scene.Rect(
        x: middle - width / 2, y: min(base, end), width: width, height: abs(base - end)),
      &builder)
    guard interval.lower.isFinite, interval.upper.isFinite else { return }
    let (low, high) = (height(interval.lower), height(interval.upper))
    let cap = min(Self.capWidth, width / 2 - 0.4)
    // On a wider line of paper, which shows it on any fill.
    for stroke in [
      Scene.Stroke(builder.theme.paper, width: 1.7), Scene.Stroke(builder.theme.ink, width: 0.8),
    ] {
      builder.line([Scene.Point(middle, low), Scene.Point(middle, high)], stroke)
      for y in [low, high] {
        builder.line([Scene.Point(middle - cap, y), Scene.Point(middle + cap, y)], stroke)
      }
    }
  }

  private func drawBand(_ builder: inout SceneBuilder) {
    guard let bound, bound.lower.isFinite, bound.upper.isFinite else { return }
    let (low, high) = (height(bound.lower), height(bound.upper))
    builder.rectangle(
      Scene.Rect(x: plot.x, y: high, width: plot.width, height: low - high),
      fill: builder.theme.shade)
  }

  private func drawBound(_ builder: inout SceneBuilder) {
    guard let bound, bound.estimate.isFinite else { return }
    let y = height(bound.estimate)
    builder.group("upper bound") {
      $0.line([Scene.Point(plot.x, y), Scene.Point(plot.maxX, y)], Self.boundStroke($0.theme))
    }
  }

  /// The line of what cannot be expected to be passed.
  static func boundStroke(_ theme: Theme) -> Scene.Stroke {
    Scene.Stroke(theme.ink, width: 0.9, dash: [3, 1.6])
  }
}
