internal import Drawing

/// A plot's frame with the steps to the right and values upwards.
struct Axes {
  /// Room right of the plot, for half of its last label.
  static let rightMargin = 2.0
  /// Room below the plot, for the steps' labels and what they are.
  static func bottomMargin(namesSteps: Bool) -> Double { namesSteps ? 16.2 : 9.2 }

  private static let small = SceneBuilder.TextStyle(size: 6)

  let plot: Scene.Rect
  let lastStep: Int
  let values: (lower: Double, upper: Double)
  /// The most labels of the values.
  let ticks: Int
  /// Whether "step" stands below the steps' labels.
  let namesSteps: Bool

  init(
    plot: Scene.Rect, lastStep: Int, values: (Double, Double), ticks: Int, namesSteps: Bool
  ) {
    self.ticks = ticks
    self.namesSteps = namesSteps
    self.plot = plot
    self.lastStep = lastStep
    self.values = values
  }

  /// Where a step lies; half a step is left free at both ends.
  func x(_ step: Double) -> Double {
    plot.x + (step + 0.5) / Double(lastStep + 1) * plot.width
  }

  /// Where a value lies.
  func y(_ value: Double) -> Double {
    plot.maxY - (value - values.lower) / (values.upper - values.lower) * plot.height
  }

  /// The width of the widest label left of a plot of such values.
  static func labelWidth(
    _ values: (lower: Double, upper: Double), ticks: Int, _ builder: SceneBuilder
  ) -> Double {
    let ticks = Ticks(from: values.lower, to: values.upper, atMost: ticks)
    return ticks.values.map {
      builder.width(of: NumberText.tick($0, step: ticks.step), small)
    }.max() ?? 0
  }

  /// Draws frame, ticks and the label of the steps.
  func draw(_ builder: inout SceneBuilder) {
    builder.rectangle(plot, stroke: builder.rule(0.5))
    let vertical = Ticks(from: values.lower, to: values.upper, atMost: ticks)
    for value in vertical.values {
      let y = y(value)
      builder.line(
        [Scene.Point(plot.x - 2, y), Scene.Point(plot.x, y)], builder.rule(0.5))
      builder.text(
        NumberText.tick(value, step: vertical.step), x: plot.x - 3, y: y + 2.1, Self.small,
        .trailing)
    }
    let horizontal = Ticks(
      from: 0, to: Double(lastStep), atMost: max(2, Int(plot.width / 18)), whole: true)
    for value in horizontal.values {
      let x = x(value)
      builder.line(
        [Scene.Point(x, plot.maxY), Scene.Point(x, plot.maxY + 2)], builder.rule(0.5))
      let label = NumberText.tick(value, step: horizontal.step)
      let half = builder.width(of: label, Self.small) / 2
      builder.text(
        label, x: min(x, plot.maxX + Self.rightMargin - half), y: plot.maxY + 7.8, Self.small,
        .center)
    }
    guard namesSteps else { return }
    builder.text("step", x: plot.x + plot.width / 2, y: plot.maxY + 14.8, Self.small, .center)
  }
}
