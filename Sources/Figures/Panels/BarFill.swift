internal import Drawing

/// How a bar is filled: colour, and lines that tell it from others in grey print.
///
/// The method without guidance has an open bar, as its markers are open in charts of curves; the others
/// have the colours of those charts.
struct BarFill {
  /// Lines across a bar.
  enum Lines: CaseIterable {
    case solid
    case rising
    case falling
    case level
    case crossed
    case upright
    case open
  }

  private static let pitch = 2.4

  let color: Color
  let lines: Lines

  static let plain = BarFill(color: Palette.plainMethod, lines: .open)

  /// Guided methods in their order: no two of the first seven have the same lines or the same colour.
  static let guided = zip(
    Palette.guidedMethods,
    [Lines.solid, .rising, .level, .falling, .crossed, .upright, .solid]
  ).map { BarFill(color: $0, lines: $1) }

  /// The fills of methods, of which the one without guidance is plain.
  static func fills(arePlain: [Bool]) -> [BarFill] {
    var next = 0
    return arePlain.map { isPlain in
      guard !isPlain else { return .plain }
      defer { next += 1 }
      return guided[next % guided.count]
    }
  }

  /// Fills a bar and draws its outline.
  func draw(_ bar: Scene.Rect, _ builder: inout SceneBuilder) {
    builder.rectangle(bar, fill: lines == .solid ? color : builder.theme.paper)
    let stroke = Scene.Stroke(color, width: 0.7)
    if [.rising, .crossed].contains(lines) { drawSlanted(bar, isRising: true, stroke, &builder) }
    if [.falling, .crossed].contains(lines) { drawSlanted(bar, isRising: false, stroke, &builder) }
    if lines == .level {
      for y in stride(from: bar.maxY - Self.pitch, to: bar.y, by: -Self.pitch) {
        builder.line([Scene.Point(bar.x, y), Scene.Point(bar.maxX, y)], stroke)
      }
    }
    if lines == .upright {
      for x in stride(from: bar.x + Self.pitch, to: bar.maxX, by: Self.pitch) {
        builder.line([Scene.Point(x, bar.y), Scene.Point(x, bar.maxY)], stroke)
      }
    }
    builder.rectangle(bar, stroke: stroke)
  }

  /// Lines at 45 degrees, each cut where it leaves the bar.
  private func drawSlanted(
    _ bar: Scene.Rect, isRising: Bool, _ stroke: Scene.Stroke, _ builder: inout SceneBuilder
  ) {
    let step = Self.pitch * 2.0.squareRoot()
    for offset in stride(from: step, to: bar.width + bar.height, by: step) {
      // From the left edge or the bottom, up to the top or the right edge.
      let from = (x: max(0, offset - bar.height), y: min(offset, bar.height))
      let to = (x: min(offset, bar.width), y: max(0, offset - bar.width))
      func place(_ point: (x: Double, y: Double)) -> Scene.Point {
        Scene.Point(isRising ? bar.x + point.x : bar.maxX - point.x, bar.y + point.y)
      }
      builder.line([place(from), place(to)], stroke)
    }
  }
}
