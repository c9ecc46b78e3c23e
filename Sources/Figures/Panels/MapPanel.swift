internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
internal import Pictures

/// A map over its picture, with a strip below it that holds its peak attention or largest difference.
struct MapPanel {
  /// One side of a difference, which lies over the picture of the run that it is of.
  enum Side: String {
    /// What is less than without guidance, over the picture made without.
    case loss
    /// What is more, over the guided picture.
    case gain
  }

  var map: AttentionMap
  var image: Picture
  /// The scale that all maps of the sheet share.
  var shared: ValueScale
  var style: MapStyle
  /// The side of a difference that is shown; `nil` for a map.
  var side: Side?
  /// The boxes of the map's word.
  var boxes: [PictureBox] = []

  private var scale: ValueScale {
    style.scale(of: map, shared: shared, isDifference: side != nil)
  }
  private var colors: ColorMap { style.shownColors }

  /// What is drawn: of a difference, one side.
  private var shown: AttentionMap {
    guard let side else { return map }
    return AttentionMap(
      grid: map.grid,
      values: map.values.map { value in
        guard value.isFinite else { return value }
        return side == .gain ? max(0, value) : min(0, value)
      })
  }

  /// Draws picture and map in `frame`, and the strip below it.
  func draw(in frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let raster = MapRaster(map: shown, scale: scale, style: style)
    switch style.overlay {
    case .alpha: builder.add(.image(raster.over(image.printed(in: frame).grey), frame))
    case .mosaic:
      builder.add(.image(image.grey, frame))
      builder.add(.cells(cells(in: frame)))
    case .cells, .side:
      let size = image.printed(in: frame)
      builder.add(.image(raster.opaque(width: size.width, height: size.height), frame))
    case .dim: builder.add(.image(raster.over(image.printed(in: frame)), frame))
    case .contour:
      builder.add(.image(image, frame))
      Contours(map: map, by: style.kernel).draw(
        style.contours.map { ($0, scale.value(at: $0)) }, in: frame, colors, &builder)
    case .jetCompat:
      builder.add(
        .image(
          PublishedOverlay(swapsRedAndBlue: style.swapsRedAndBlue).image(map, over: image), frame))
    }
    let blanks = map.values.indices.filter { !map.values[$0].isFinite }
    for index in blanks { Self.hatch(cell(index, of: frame), &builder) }
    // A single cell without a value stands for a map that there is not.
    if !blanks.isEmpty, map.values.count > 1 { builder.warn(Self.blankWarning) }
    builder.rectangle(frame, stroke: builder.rule(0.4))
    PictureBox.draw(boxes, in: frame, namesWords: false, &builder)
    drawStrip(below: frame, &builder)
  }

  private static let blankWarning =
    "maps hold numbers that are NaN or infinite: their cells are hatched, as n/a; heed check tells which"

  private func cells(in frame: Scene.Rect) -> Scene.Cells {
    let length = min(frame.width / Double(map.grid.columns), frame.height / Double(map.grid.rows))
    return Scene.Cells(
      frame: frame, rows: map.grid.rows, columns: map.grid.columns,
      colors: shown.values.map {
        $0.isFinite ? colors.color(at: scale.fraction(of: Double($0))) : nil
      },
      sides: shown.values.map {
        style.overlay.side(at: $0.isFinite ? scale.magnitude(of: Double($0)) : 0, length: length)
      })
  }

  /// The strip has the colour of the peak attention, so that neglect is seen before it is read.
  ///
  /// The value is the map's own, whatever is drawn between the cells.
  private func drawStrip(below frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let strip = Scene.Rect(
      x: frame.x, y: frame.maxY, width: frame.width, height: Metrics.stripHeight)
    let largest = (side == nil ? shown.maximum : shown.extreme).map(Double.init)
    let fill = largest.map { style.seen(at: scale.fraction(of: $0)) } ?? builder.theme.paper
    builder.rectangle(strip, fill: fill, stroke: builder.rule(0.4))
    let type = SceneBuilder.TextStyle(size: 6, color: fill.textColor)
    let room = strip.width - 2
    // Where the number is too wide, its label goes, and then its last digits.
    let words = largest.map(labels) ?? ["no value", "none", "–"]
    let text = words.first { builder.width(of: $0, type) <= room } ?? words[words.count - 1]
    builder.text(
      text, x: strip.x + strip.width / 2, y: strip.y + 6.4, type, .center)
  }

  /// Whether the strip below a map of `width` says what its number is.
  static func hasRoom(
    forLabelOf map: AttentionMap, width: Double, _ style: MapStyle, _ builder: SceneBuilder
  ) -> Bool {
    guard let value = map.maximum, !style.isOwnRange else { return true }
    return builder.width(of: label(Double(value)), .init(size: 6)) <= width - 2
  }

  private static func label(_ peak: Double) -> String { "peak \(NumberText.value(peak))" }

  /// What the strip may say, the longest first.
  private func labels(_ value: Double) -> [String] {
    if let side {
      let text = NumberText.value(abs(value))
      return ["\(side.rawValue) \(text)", (side == .gain ? "+" : "−") + text]
    }
    let text = NumberText.value(value)
    let brief = [NumberText.brief(value, digits: 2), NumberText.brief(value, digits: 1)]
    return [
      style.isOwnRange ? "\(NumberText.value(scale.lower))–\(text)" : Self.label(value), text,
    ] + brief
  }

  private func cell(_ index: Int, of frame: Scene.Rect) -> Scene.Rect {
    let width = frame.width / Double(map.grid.columns)
    let height = frame.height / Double(map.grid.rows)
    return Scene.Rect(
      x: frame.x + Double(index % map.grid.columns) * width,
      y: frame.y + Double(index / map.grid.columns) * height, width: width, height: height)
  }

  /// The frame around a map and its strip that marks the map of a missing subject.
  static func ring(on theme: Theme) -> Scene.Stroke { Scene.Stroke(theme.ink, width: 1.5) }

  /// Draws ``ring(on:)`` around the map in `frame` and its strip.
  static func drawRing(around frame: Scene.Rect, _ builder: inout SceneBuilder) {
    builder.rectangle(
      Scene.Rect(
        x: frame.x - 1, y: frame.y - 1, width: frame.width + 2,
        height: frame.height + Metrics.stripHeight + 2), stroke: ring(on: builder.theme))
  }

  /// A blank cell with a diagonal: no value.
  static func hatch(_ cell: Scene.Rect, _ builder: inout SceneBuilder) {
    builder.rectangle(cell, fill: builder.theme.paper)
    builder.line(
      [Scene.Point(cell.x, cell.maxY), Scene.Point(cell.maxX, cell.y)], builder.rule(0.4))
  }
}
