internal import AttentionAnalysis
internal import AttentionTrace
internal import Pictures

/// A map over its picture, with a strip below it that holds its largest value or difference.
struct MapPanel {
  var map: AttentionMap
  var image: Picture
  /// The scale that all maps of the sheet share.
  var shared: ValueScale
  var style: MapStyle
  /// Whether values are differences, whose largest may be negative.
  var isDifference = false

  private var scale: ValueScale {
    style.scale(of: map, shared: shared, isDifference: isDifference)
  }
  private var colors: ColorMap { style.shownColors }

  /// Draws picture and map in `frame`, and the strip below it.
  func draw(in frame: Scene.Rect, _ builder: inout SceneBuilder) {
    switch style.overlay {
    case .mosaic:
      builder.add(.image(image.grey, frame))
      builder.add(.cells(cells(in: frame)))
    case .cells, .side:
      builder.add(.image(MapRaster(map: map, scale: scale, style: style).opaque, frame))
    case .alpha:
      builder.add(
        .image(MapRaster(map: map, scale: scale, style: style).blended(over: image.grey), frame))
    case .dim:
      builder.add(.image(MapRaster(map: map, scale: scale, style: style).dimming(image), frame))
    case .contour:
      builder.add(.image(image, frame))
      Contours(map: map).draw(
        style.contours.map { ($0, scale.value(at: $0)) }, in: frame, colors, &builder)
    case .jetCompat:
      builder.add(
        .image(
          PublishedOverlay(swapsRedAndBlue: style.swapsRedAndBlue).image(map, over: image), frame))
    }
    for (index, value) in map.values.enumerated() where !value.isFinite {
      Self.hatch(cell(index, of: frame), &builder)
    }
    builder.rectangle(frame, stroke: builder.rule(0.4))
    drawStrip(below: frame, &builder)
  }

  private func cells(in frame: Scene.Rect) -> Scene.Cells {
    let length = min(frame.width / Double(map.grid.columns), frame.height / Double(map.grid.rows))
    return Scene.Cells(
      frame: frame, rows: map.grid.rows, columns: map.grid.columns,
      colors: map.values.map {
        $0.isFinite ? colors.color(at: scale.fraction(of: Double($0))) : nil
      },
      sides: map.values.map {
        style.overlay.side(at: $0.isFinite ? scale.magnitude(of: Double($0)) : 0, length: length)
      })
  }

  /// The strip has the colour of the largest value, so that neglect is seen before it is read.
  ///
  /// The value is the map's own, whatever is drawn between the cells.
  private func drawStrip(below frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let strip = Scene.Rect(
      x: frame.x, y: frame.maxY, width: frame.width, height: Metrics.stripHeight)
    let maximum = (isDifference ? map.extreme : map.maximum).map(Double.init)
    let fill = maximum.map { colors.color(at: scale.fraction(of: $0)) } ?? builder.theme.paper
    builder.rectangle(strip, fill: fill, stroke: builder.rule(0.4))
    let type = SceneBuilder.TextStyle(size: 6, color: fill.textColor)
    let room = strip.width - 2
    // A number must not be cut off: where it is too wide, its label goes.
    let words = maximum.map(labels) ?? ["no value"]
    let text = words.first { builder.width(of: $0, type) <= room } ?? words[words.count - 1]
    builder.text(
      text, x: strip.x + strip.width / 2, y: strip.y + 6.4, type, .center, width: room)
  }

  /// What the strip may say, the longest first.
  private func labels(_ value: Double) -> [String] {
    let text = NumberText.value(value)
    if isDifference { return [(value > 0 ? "+" : "") + text] }
    return [style.isOwnRange ? "\(NumberText.value(scale.lower))–\(text)" : "max \(text)", text]
  }

  private func cell(_ index: Int, of frame: Scene.Rect) -> Scene.Rect {
    let width = frame.width / Double(map.grid.columns)
    let height = frame.height / Double(map.grid.rows)
    return Scene.Rect(
      x: frame.x + Double(index % map.grid.columns) * width,
      y: frame.y + Double(index / map.grid.columns) * height, width: width, height: height)
  }

  /// A blank cell with a diagonal: no value.
  static func hatch(_ cell: Scene.Rect, _ builder: inout SceneBuilder) {
    builder.rectangle(cell, fill: builder.theme.paper)
    builder.line(
      [Scene.Point(cell.x, cell.maxY), Scene.Point(cell.maxX, cell.y)], builder.rule(0.4))
  }
}
