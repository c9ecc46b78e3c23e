/// A map over its picture, with its largest value, or the largest difference, on a strip beneath.
struct HeatMapPanel {
  /// Height of the strip in points.
  static let stripHeight = 8.5

  var map: HeatMap
  var image: PNGImage
  var scale: ValueScale
  var colors: ColorMap
  var overlay: OverlayMode
  /// Whether values are differences, whose largest may be negative.
  var isDifference = false

  /// Draws picture and map in `frame`, and the strip below it.
  func draw(in frame: Scene.Rect, _ builder: inout SceneBuilder) {
    if overlay == .mosaic { builder.add(.image(image.grey, frame)) }
    let isKnown = map.values.map(\.isFinite)
    let fractions = map.values.map { $0.isFinite ? scale.fraction(of: Double($0)) : 0 }
    let length = min(frame.width / Double(map.columns), frame.height / Double(map.rows))
    let cells = Scene.Cells(
      frame: frame, rows: map.rows, columns: map.columns,
      colors: zip(fractions, isKnown).map { $1 ? colors.color(at: $0) : nil },
      sides: map.values.map {
        overlay.side(at: $0.isFinite ? scale.magnitude(of: Double($0)) : 0, length: length)
      })
    if overlay == .cells && !isKnown.contains(false) {
      builder.add(.image(Self.raster(cells), frame))
    } else {
      builder.add(.cells(cells))
    }
    for (index, known) in isKnown.enumerated() where !known {
      Self.hatch(Self.cell(index, of: cells), &builder)
    }
    builder.rectangle(frame, stroke: Scene.Stroke(.rule, width: 0.4))
    drawStrip(below: frame, &builder)
  }

  /// The strip has the colour of the largest value, so that neglect is seen before it is read.
  private func drawStrip(below frame: Scene.Rect, _ builder: inout SceneBuilder) {
    let strip = Scene.Rect(
      x: frame.x, y: frame.maxY, width: frame.width, height: Self.stripHeight)
    let maximum = (isDifference ? map.extreme : map.maximum).map(Double.init)
    let fill = maximum.map { colors.color(at: scale.fraction(of: $0)) } ?? .white
    builder.rectangle(strip, fill: fill, stroke: Scene.Stroke(.rule, width: 0.4))
    builder.text(
      maximum.map(label) ?? "no value", x: strip.x + strip.width / 2,
      y: strip.y + 6.4, .init(size: 6, color: fill.textColor), .center, width: strip.width - 2)
  }

  private func label(_ value: Double) -> String {
    let text = NumberText.value(value)
    return isDifference ? (value > 0 ? "+" : "") + text : "max \(text)"
  }

  /// Edge-to-edge cells as a picture: vector squares would show seams where they meet.
  private static func raster(_ cells: Scene.Cells) -> PNGImage {
    PNGImage(
      width: cells.columns, height: cells.rows,
      pixels: cells.colors.flatMap { color in
        color.map { [$0.red, $0.green, $0.blue] } ?? [255, 255, 255]
      })
  }

  private static func cell(_ index: Int, of cells: Scene.Cells) -> Scene.Rect {
    let width = cells.frame.width / Double(cells.columns)
    let height = cells.frame.height / Double(cells.rows)
    return Scene.Rect(
      x: cells.frame.x + Double(index % cells.columns) * width,
      y: cells.frame.y + Double(index / cells.columns) * height, width: width, height: height)
  }

  /// White with a diagonal: no value.
  static func hatch(_ cell: Scene.Rect, _ builder: inout SceneBuilder) {
    builder.rectangle(cell, fill: .white)
    builder.line(
      [Scene.Point(cell.x, cell.maxY), Scene.Point(cell.maxX, cell.y)],
      Scene.Stroke(.rule, width: 0.4))
  }
}
