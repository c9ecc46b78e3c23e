internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing

/// What a sheet's colours mean: the colour bar, and how maps are drawn.
struct MapKey {
  /// The widest that a bar is below the panels.
  static let barWidth = 250.0

  /// All maps of the sheet.
  var maps: [AttentionMap]
  /// What the colours measure.
  var quantity: String
  /// The scale that they share.
  var scale: ValueScale
  var style: MapStyle
  /// What else a reader must know, in sentences.
  var note = ""

  /// Draws the bar, no wider than `barWidth`, and below it the notes, from `y` down.
  /// - Returns: The bottom of it.
  func draw(
    x: Double, y: Double, width: Double, barWidth: Double = Self.barWidth,
    _ builder: inout SceneBuilder
  ) -> Double {
    let bar = drawBar(x: x, y: y, width: min(width, barWidth), &builder)
    return drawNote(x: x, y: bar + 2, width: width, &builder)
  }

  /// Draws the bar alone.
  func drawBar(x: Double, y: Double, width: Double, _ builder: inout SceneBuilder) -> Double {
    builder.group("color bar") {
      ColorBar(scale: scale, style: style, caption: quantity).draw(x: x, y: y, width: width, &$0)
    }
  }

  /// Draws the notes alone.
  func drawNote(
    x: Double, y: Double, width: Double, _ builder: inout SceneBuilder
  ) -> Double {
    guard builder.words.note else { return y }
    return builder.paragraph(
      text, x: x, y: y, width: width, builder.secondary(6), baseline: 5.8, pitch: 7.4)
  }

  private var text: String {
    let grids = Set(maps.map(\.grid))
      .sorted { ($0.rows, $0.columns) > ($1.rows, $1.columns) }
      .map { "\($0.rows)×\($0.columns)" }
    let drawn = grids.isEmpty ? "No maps were recorded." : style.note(grids: grids)
    return [drawn, style.clipping(of: maps, scale), note]
      .filter { !$0.isEmpty }.joined(separator: " ")
  }
}
