internal import Drawing

/// What a method asks for over the steps: values to reach at some, and where alteration ends.
struct StepSchedule {
  /// The values to reach, by step.
  var levels: [Int: [Double]]
  /// Steps in which the latent was altered; 0 for none.
  var alteredSteps: Int

  /// Shades the steps that were left alone.
  func drawShade(_ axes: Axes, _ builder: inout SceneBuilder) {
    guard let end = end(on: axes) else { return }
    let plot = axes.plot
    builder.rectangle(
      Scene.Rect(x: end, y: plot.y, width: plot.maxX - end, height: plot.height),
      fill: builder.theme.shade)
  }

  /// Where alteration ends; `nil` if it does not, or there is none.
  private func end(on axes: Axes) -> Double? {
    alteredSteps > 0 && alteredSteps <= axes.lastStep ? axes.x(Double(alteredSteps) - 0.5) : nil
  }

  /// Marks where alteration ends.
  func drawEnd(_ axes: Axes, _ builder: inout SceneBuilder) {
    guard let end = end(on: axes) else { return }
    let plot = axes.plot
    builder.line(
      [Scene.Point(end, plot.y), Scene.Point(end, plot.maxY)],
      builder.rule(0.6, dash: [3, 1, 0.8, 1]))
  }

  /// Marks the values to reach at their steps.
  func drawLevels(_ axes: Axes, _ builder: inout SceneBuilder) {
    let plot = axes.plot
    for (step, values) in levels.sorted(by: { $0.key < $1.key })
    where (0...axes.lastStep).contains(step) {
      let x = axes.x(Double(step))
      builder.line(
        [Scene.Point(x, plot.y), Scene.Point(x, plot.maxY)], builder.rule(0.3))
      for y in values.map(axes.y) where y >= plot.y && y <= plot.maxY {
        let (left, right) = (max(plot.x, x - 4), min(plot.maxX, x + 4))
        builder.line(
          [Scene.Point(left, y), Scene.Point(right, y)], Scene.Stroke(builder.theme.ink, width: 1.5)
        )
      }
    }
  }
}
