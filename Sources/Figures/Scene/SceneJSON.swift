internal import Pictures
internal import TensorEngine

extension Scene {
  /// The scene as JSON, a node a line, lengths to 1/100 point; the same scene gives the same text.
  ///
  /// Pictures are given by size and digest, so that a golden file stays small.
  public var json: String {
    var lines = ["{"]
    lines.append("\"width\": \(Self.json(width)), \"height\": \(Self.json(height)),")
    let told = [
      ("title", metadata.title), ("date", metadata.date), ("software", metadata.software),
      ("manifest", metadata.manifest),
    ]
    lines.append(
      "\"metadata\": {"
        + told.map { "\"\($0)\": \(Self.json($1))" }.joined(separator: ", ") + "},")
    lines.append("\"warnings\": [" + warnings.map(Self.json).joined(separator: ", ") + "],")
    lines.append("\"nodes\": [")
    Self.append(nodes, indent: "  ", to: &lines)
    lines.append("]}")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func append(_ nodes: [Node], indent: String, to lines: inout [String]) {
    for (index, node) in nodes.enumerated() {
      let comma = index + 1 < nodes.count ? "," : ""
      if case .group(let name, let members) = node {
        lines.append("\(indent){\"group\": \(json(name)), \"nodes\": [")
        append(members, indent: indent + "  ", to: &lines)
        lines.append("\(indent)]}\(comma)")
      } else {
        lines.append(indent + json(node) + comma)
      }
    }
  }

  private static func json(_ node: Node) -> String {
    switch node {
    case .group(let name, _):
      return "{\"group\": \(json(name))}"
    case .rectangle(let rect, let fill, let stroke):
      return "{\"rectangle\": \(json(rect))\(json(fill, stroke))}"
    case .path(let points, let closed, let fill, let stroke):
      let places = points.map { "\(json($0.x)), \(json($0.y))" }.joined(separator: ", ")
      return "{\"path\": [\(places)], \"closed\": \(closed)\(json(fill, stroke))}"
    case .image(let image, let rect):
      return "{\"image\": \(json(rect)), \"size\": [\(image.width), \(image.height)],"
        + " \"digest\": \"\(image.digest)\"}"
    case .cells(let cells):
      let colors = cells.colors.map { $0.map { "\"\($0.hex)\"" } ?? "null" }
      return "{\"cells\": \(json(cells.frame)), \"grid\": [\(cells.rows), \(cells.columns)],"
        + " \"colors\": [\(colors.joined(separator: ", "))],"
        + " \"sides\": [\(cells.sides.map(json).joined(separator: ", "))]}"
    case .text(let text):
      return "{\"text\": \(json(text.string)), \"origin\": [\(json(text.origin.x)),"
        + " \(json(text.origin.y))], \"size\": \(json(text.size)), \"bold\": \(text.isBold),"
        + " \"vertical\": \(text.isVertical), \"color\": \"\(text.color.hex)\","
        + " \"box\": \(json(text.box))}"
    }
  }

  private static func json(_ fill: Color?, _ stroke: Stroke?) -> String {
    var text = fill.map { ", \"fill\": \"\($0.hex)\"" } ?? ""
    if let stroke {
      text += ", \"stroke\": \"\(stroke.color.hex)\", \"line\": \(json(stroke.width))"
      if !stroke.dash.isEmpty {
        text += ", \"dash\": [\(stroke.dash.map(json).joined(separator: ", "))]"
      }
    }
    return text
  }

  private static func json(_ rect: Rect) -> String {
    "[\(json(rect.x)), \(json(rect.y)), \(json(rect.width)), \(json(rect.height))]"
  }

  private static func json(_ length: Double) -> String { NumberText.plain(length) }

  /// A text in JSON's quotes.
  static func json(_ string: String) -> String { JSONText.string(string) }
}
