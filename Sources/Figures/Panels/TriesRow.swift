internal import Drawing

/// Counts of refinement's tries in a row above a plot, each over its step.
struct TriesRow {
  /// By step; what is 0 is left out.
  var counts: [Int: Int]
  /// What stands before each number.
  var sign: String

  /// Writes the counts on a baseline at `y`, from the left, where there is room for them.
  func draw(above axes: Axes, at y: Double, _ builder: inout SceneBuilder) {
    let style = SceneBuilder.TextStyle(size: 6)
    var end = -Double.infinity
    for (step, count) in counts.sorted(by: { $0.key < $1.key })
    where count > 0 && (0...axes.lastStep).contains(step) {
      let text = "\(sign)\(count)"
      let width = builder.width(of: text, style)
      let left = min(max(axes.plot.x, axes.x(Double(step)) - width / 2), axes.plot.maxX - width)
      if left < end + 1 { continue }
      end = left + width
      builder.text(text, x: left, y: y, style)
    }
  }
}
