internal import Pictures
internal import TensorEngine

/// Draws scenes as SVG 1.1 with real text: every line of words can be found, copied and edited.
///
/// Written here and not by Cairo, whose SVG has outlines for text and identifiers that depend on
/// what was drawn before. A line of text is anchored where the layout set it, at its start, middle or end,
/// and bears its measured length, so that a program without the figure's font keeps it in place.
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
    let isDescribed = !scene.description.isEmpty
    // Another figure on the same page has other identifiers.
    let mark = ContentDigest.hexadecimal((scene.name + "\n" + scene.description).utf8)
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      #"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink""#
        + #" width="\#(width)pt" height="\#(height)pt" viewBox="0 0 \#(width) \#(height)""#
        + #" role="img" aria-labelledby="t\#(mark)""#
        + (isDescribed ? #" aria-describedby="d\#(mark)""# : "")
        + #" font-family="\#(fonts(scene.typeface))">"#,
      #"<title id="t\#(mark)">\#(escaped(scene.name))</title>"#,
    ]
    if isDescribed {
      lines.append(#"<desc id="d\#(mark)">\#(escaped(scene.description))</desc>"#)
    }
    if !scene.metadata.manifest.isEmpty {
      let manifest = escaped(scene.metadata.manifest)
      lines.append(
        #"<metadata><manifest xmlns="\#(Scene.Metadata.namespace)">\#(manifest)</manifest></metadata>"#
      )
    }
    var defined: Set<String> = []
    try define(scene.nodes, &defined, &lines)
    lines.append(#"<rect width="\#(width)" height="\#(height)" fill="\#(scene.paper.hex)"/>"#)
    for node in scene.nodes { append(node, to: &lines) }
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func fonts(_ typeface: Typeface) -> String {
    "\(typeface.family), \(typeface.substitutes)"
  }

  /// Each picture and each gradient once, however often it is drawn: a unit square that the places scale, and
  /// what they are filled with.
  private static func define(
    _ nodes: [Scene.Node], _ defined: inout Set<String>, _ lines: inout [String]
  ) throws {
    for node in nodes {
      switch node {
      case .group(_, let members): try define(members, &defined, &lines)
      case .image(let image, _):
        guard defined.insert(image.digest).inserted else { continue }
        lines.append(
          #"<defs><image id="i\#(image.digest)" width="1" height="1" preserveAspectRatio="none""#
            + #" style="image-rendering:pixelated" xlink:href="\#(try image.dataURI)"/>"#
            + "</defs>")
      case .gradient(let colors, _):
        let name = identifier(of: colors)
        guard defined.insert(name).inserted else { continue }
        lines.append(
          #"<defs><linearGradient id="\#(name)">\#(stops(colors))</linearGradient></defs>"#)
      default: break
      }
    }
  }

  private static func identifier(of colors: [Color]) -> String {
    "g" + ContentDigest.hexadecimal(colors.flatMap { [$0.red, $0.green, $0.blue] })
  }

  /// A stop in the middle of the part of the width that each colour has.
  private static func stops(_ colors: [Color]) -> String {
    colors.enumerated().map { index, color in
      let place = NumberText.portion((Double(index) + 0.5) / Double(colors.count))
      return #"<stop offset="\#(place)" stop-color="\#(color.hex)"/>"#
    }.joined()
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
    case .gradient(let colors, let rect):
      lines.append(##"<rect \##(place(rect)) fill="url(#\##(identifier(of: colors)))"/>"##)
    case .text(let text): lines.append(element(text))
    }
  }

  private static func element(_ text: Scene.Text) -> String {
    let width = text.isVertical ? text.box.height : text.box.width
    let shift = width * text.anchor.fraction
    let x = number(text.origin.x + (text.isVertical ? 0 : shift))
    let y = number(text.origin.y - (text.isVertical ? shift : 0))
    let anchor: String? =
      switch text.anchor {
      case .start: nil
      case .middle: "middle"
      case .end: "end"
      }
    return "<text "
      + (text.isVertical
        ? #"transform="translate(\#(x) \#(y)) rotate(-90)""# : #"x="\#(x)" y="\#(y)""#)
      + (anchor.map { #" text-anchor="\#($0)""# } ?? "")
      + #" font-size="\#(number(text.size))""# + (text.isBold ? #" font-weight="bold""# : "")
      + #" fill="\#(text.color.hex)" textLength="\#(number(width))" lengthAdjust="spacingAndGlyphs""#
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
