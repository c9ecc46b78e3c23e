internal import Drawing

/// How the lines of a method look in every chart.
///
/// Dash and the fill of markers tell methods apart in whatever colour: that of a word, or the method's
/// own where a chart shows no word.
struct CurveStyle {
  /// Whether markers are filled; the method without guidance has open ones.
  let isFilled: Bool
  /// Lengths of dashes and gaps in turn; empty for a solid line.
  let dash: [Double]
  /// The method's own colour, until ``showing(word:)``.
  var color: Color
  /// The method's own marker, until a chart of several words gives it a word's.
  var marker: Marker

  /// The method without guidance.
  static let plain = CurveStyle(
    isFilled: false, dash: [2.6, 1.4], color: Palette.plainMethod, marker: .circle)

  /// Guided methods in their order.
  static let guided = zip(
    Palette.guidedMethods,
    [
      (true, [], Marker.square), (true, [5, 1, 1, 1], .triangle), (true, [1, 1], .diamond),
      (true, [6, 1.5], .circle), (false, [2, 2], .square), (false, [6, 1.5], .triangle),
      (false, [5, 1, 1, 1], .diamond),
    ] as [(Bool, [Double], Marker)]
  ).map { CurveStyle(isFilled: $1.0, dash: $1.1, color: $0, marker: $1.2) }

  /// The styles of methods, of which the one without guidance is plain.
  static func styles(arePlain: [Bool]) -> [CurveStyle] {
    var others = guided.makeIterator()
    return arePlain.map { $0 ? .plain : others.next() ?? .plain }
  }

  /// The method's lines for the word at `index`, in its colour.
  func showing(word index: Int) -> CurveStyle {
    var style = self
    style.color = Palette.words[index % Palette.words.count]
    return style
  }

  /// The method's lines for the word at `index`, in its colour and with its marker: for charts of several
  /// words.
  func showing(markedWord index: Int) -> CurveStyle {
    var style = showing(word: index)
    style.marker = Marker.allCases[index % Marker.allCases.count]
    return style
  }

  /// A line `width` wide.
  func stroke(width: Double) -> Scene.Stroke { Scene.Stroke(color, width: width, dash: dash) }

  /// What fills a band: the colour at a fifth of its strength on the paper, opaque.
  func tint(on theme: Theme) -> Color {
    func part(_ paper: UInt8, _ value: UInt8) -> UInt8 {
      UInt8(Int(paper) + (Int(value) - Int(paper)) / 5)
    }
    return Color(
      red: part(theme.paper.red, color.red), green: part(theme.paper.green, color.green),
      blue: part(theme.paper.blue, color.blue))
  }

  /// A marker on the line.
  func node(at place: Scene.Point, on theme: Theme) -> Scene.Node {
    isFilled
      ? marker.node(at: place, radius: 1.7, fill: color, stroke: nil)
      : marker.node(
        at: place, radius: 1.5, fill: theme.paper, stroke: Scene.Stroke(color, width: 0.7))
  }
}
