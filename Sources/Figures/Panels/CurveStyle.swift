/// How one of several methods looks in every panel: by colour, by dashes and by marker.
struct CurveStyle {
  let line: MethodLine
  /// `nil` for the theme's ink.
  let color: Color?
  let marker: Marker
  /// Lengths of dashes and gaps in turn; empty for a solid line.
  let dash: [Double]

  /// The method without guidance.
  static let plain = CurveStyle(
    line: .plain, color: Color.lines[0], marker: .circle,
    dash: MethodLine.plain.stroke(.black).dash)
  /// The others in their order.
  static let others = [
    CurveStyle(line: .excited, color: Color.lines[1], marker: .square, dash: []),
    CurveStyle(line: .excited, color: Color.lines[2], marker: .triangle, dash: [5, 1, 1, 1]),
    CurveStyle(line: .excited, color: Color.lines[3], marker: .diamond, dash: [1, 1]),
    CurveStyle(line: .excited, color: nil, marker: .circle, dash: [6, 1.5]),
    CurveStyle(line: .plain, color: Color.lines[1], marker: .square, dash: [2, 2]),
    CurveStyle(line: .plain, color: Color.lines[2], marker: .triangle, dash: [6, 1.5]),
    CurveStyle(line: .plain, color: Color.lines[3], marker: .diamond, dash: [5, 1, 1, 1]),
  ]

  /// The line of a method, or of one run among several of it.
  func stroke(isThin: Bool, on theme: Theme) -> Scene.Stroke {
    Scene.Stroke(color ?? theme.ink, width: isThin ? 0.55 : 1.1, dash: dash)
  }

  /// The edge of a band.
  func edge(on theme: Theme) -> Scene.Stroke {
    Scene.Stroke(color ?? theme.ink, width: 0.35, dash: dash)
  }

  /// What fills a band: the colour at a fifth of its strength on the paper, opaque.
  func tint(on theme: Theme) -> Color {
    let color = color ?? theme.ink
    func part(_ paper: UInt8, _ value: UInt8) -> UInt8 {
      UInt8(Int(paper) + (Int(value) - Int(paper)) / 5)
    }
    return Color(
      red: part(theme.paper.red, color.red), green: part(theme.paper.green, color.green),
      blue: part(theme.paper.blue, color.blue))
  }

  func node(at place: Scene.Point, on theme: Theme) -> Scene.Node {
    line.node(marker, at: place, color: color ?? theme.ink, on: theme)
  }
}
