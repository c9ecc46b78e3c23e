extension Scene {
  /// The scene enlarged, type and lines as well, to a page exactly `width` wide.
  package func scaled(by factor: Double, width: Double) -> Scene {
    replacing(
      factor == 1 ? nodes : nodes.map { $0.scaled(by: factor) }, width: width,
      height: factor == 1 ? height : height * factor)
  }
}

extension Scene.Node {
  /// The node `dx` to the right and `dy` down, after all lengths have grown by `factor`.
  package func scaled(by factor: Double, dx: Double = 0, dy: Double = 0) -> Scene.Node {
    func point(_ point: Scene.Point) -> Scene.Point {
      Scene.Point(point.x * factor + dx, point.y * factor + dy)
    }
    func rect(_ rect: Scene.Rect) -> Scene.Rect {
      Scene.Rect(
        x: rect.x * factor + dx, y: rect.y * factor + dy, width: rect.width * factor,
        height: rect.height * factor)
    }
    func stroke(_ stroke: Scene.Stroke) -> Scene.Stroke {
      Scene.Stroke(
        stroke.color, width: stroke.width * factor, dash: stroke.dash.map { $0 * factor })
    }
    switch self {
    case .group(let name, let members):
      return .group(name, members.map { $0.scaled(by: factor, dx: dx, dy: dy) })
    case .rectangle(let frame, let fill, let line):
      return .rectangle(rect(frame), fill: fill, stroke: line.map(stroke))
    case .path(let points, let closed, let fill, let line):
      return .path(points.map(point), closed: closed, fill: fill, stroke: line.map(stroke))
    case .image(let image, let frame): return .image(image, rect(frame))
    case .cells(var cells):
      cells.frame = rect(cells.frame)
      return .cells(cells)
    case .gradient(let colors, let frame): return .gradient(colors, rect(frame))
    case .text(var text):
      text.origin = point(text.origin)
      text.size *= factor
      text.box = rect(text.box)
      return .text(text)
    }
  }
}
