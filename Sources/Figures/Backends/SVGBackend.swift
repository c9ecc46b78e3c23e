internal import Pictures
internal import TensorEngine

/// Draws scenes as SVG 1.1 with real text: every line of words can be found, copied and edited.
///
/// Written here and not by Cairo, whose SVG has outlines for text and identifiers that depend on
/// what was drawn before. A line of text bears its measured length, so that a reader without the
/// figure's font sees it at the same place and width.
package enum SVGBackend {
  /// Writes `scene` to the file at `path`, which appears whole or not at all.
  /// - Throws: `FileError` if a picture cannot be encoded or the file cannot be written.
  package static func render(_ scene: Scene, to path: String) throws {
    try writeAtomically(Array(text(scene).utf8), to: path, throughLinks: true)
  }

  /// The document; the same scene gives the same text.
  /// - Throws: `FileError` if a picture cannot be encoded.
  package static func text(_ scene: Scene) throws -> String {
    let (width, height) = (number(scene.width), number(scene.height))
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      #"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink""#
        + #" width="\#(width)pt" height="\#(height)pt" viewBox="0 0 \#(width) \#(height)""#
        + #" role="img" font-family="\#(fonts(scene.typeface))">"#,
    ]
    if !scene.metadata.title.isEmpty {
      lines.append("<title>\(escaped(scene.metadata.title))</title>")
    }
    if !scene.metadata.manifest.isEmpty {
      lines.append("<desc>\(escaped(scene.metadata.manifest))</desc>")
    }
    var pictures: Set<String> = []
    try define(scene.nodes, &pictures, &lines)
    lines.append(#"<rect width="\#(width)" height="\#(height)" fill="\#(scene.paper.hex)"/>"#)
    for node in scene.nodes { append(node, to: &lines) }
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func fonts(_ typeface: Typeface) -> String {
    "\(typeface.family), \(typeface.substitutes)"
  }

  /// Each picture once, however often it is drawn: a unit square that the places scale.
  private static func define(
    _ nodes: [Scene.Node], _ pictures: inout Set<String>, _ lines: inout [String]
  ) throws {
    for node in nodes {
      switch node {
      case .group(_, let members): try define(members, &pictures, &lines)
      case .image(let image, _):
        guard pictures.insert(image.digest).inserted else { continue }
        lines.append(
          #"<defs><image id="i\#(image.digest)" width="1" height="1" preserveAspectRatio="none""#
            + #" style="image-rendering:pixelated" xlink:href="\#(try image.dataURI)"/>"#
            + "</defs>")
      default: break
      }
    }
  }

  private static func append(_ node: Scene.Node, to lines: inout [String]) {
    switch node {
    case .group(let name, let members):
      lines.append(#"<g aria-label="\#(escaped(name))">"#)
      for member in members { append(member, to: &lines) }
      lines.append("</g>")
    case .rectangle(let rect, let fill, let stroke):
      lines.append("<rect \(place(rect))\(paint(fill, stroke))/>")
    case .path(let points, let closed, let fill, let stroke):
      let places = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
      lines.append(
        #"<\#(closed ? "polygon" : "polyline") points="\#(places)"\#(paint(fill, stroke))/>"#)
    case .image(let image, let rect):
      lines.append(
        ##"<use xlink:href="#i\##(image.digest)" transform="translate(\##(number(rect.x)) "##
          + #"\#(number(rect.y))) scale(\#(number(rect.width)) \#(number(rect.height)))"/>"#)
    case .cells(let cells):
      for (index, color) in cells.colors.enumerated() {
        guard let color else { continue }
        lines.append(#"<rect \#(place(cells.square(at: index))) fill="\#(color.hex)"/>"#)
      }
    case .text(let text): lines.append(element(text))
    }
  }

  private static func element(_ text: Scene.Text) -> String {
    let (x, y) = (number(text.origin.x), number(text.origin.y))
    let length = number(text.isVertical ? text.box.height : text.box.width)
    return "<text "
      + (text.isVertical
        ? #"transform="translate(\#(x) \#(y)) rotate(-90)""# : #"x="\#(x)" y="\#(y)""#)
      + #" font-size="\#(number(text.size))""# + (text.isBold ? #" font-weight="bold""# : "")
      + #" fill="\#(text.color.hex)" textLength="\#(length)" lengthAdjust="spacingAndGlyphs""#
      + #" xml:space="preserve">\#(escaped(text.string))</text>"#
  }

  private static func place(_ rect: Scene.Rect) -> String {
    #"x="\#(number(rect.x))" y="\#(number(rect.y))" width="\#(number(rect.width))""#
      + #" height="\#(number(rect.height))""#
  }

  private static func paint(_ fill: Color?, _ stroke: Scene.Stroke?) -> String {
    var text = #" fill="\#(fill?.hex ?? "none")""#
    if let stroke {
      text +=
        #" stroke="\#(stroke.color.hex)" stroke-width="\#(number(stroke.width))""#
        + #" stroke-linejoin="round""#
      if !stroke.dash.isEmpty {
        text += #" stroke-dasharray="\#(stroke.dash.map(number).joined(separator: " "))""#
      }
    }
    return text
  }

  /// A length in points.
  private static func number(_ length: Double) -> String { NumberText.fine(length) }

  /// One line of text.
  private static func escaped(_ string: String) -> String {
    MarkupText.escaped(String(string.map { $0.isNewline || $0 == "\t" ? " " : $0 }))
  }
}
