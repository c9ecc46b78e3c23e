internal import Drawing

/// Puts words and scores beside boxes of a picture, none over another and none over the picture's edge.
struct BoxLabels {
  private static let style = SceneBuilder.TextStyle(size: 6)
  private static let height = 6.4
  /// Between the type and the ends of its plate.
  private static let padding = 1.0
  /// The most of the picture's width that a plate with a word takes.
  private static let mostOfPicture = 0.75

  /// The picture.
  private let frame: Scene.Rect
  private var taken: [Scene.Rect] = []

  init(in frame: Scene.Rect) { self.frame = frame }

  /// Whether the picture is so large that these labels leave enough of it to be seen.
  func fit(_ labels: [String], _ builder: SceneBuilder) -> Bool {
    labels.allSatisfy {
      Self.width(of: $0, builder) <= Self.mostOfPicture * frame.width
    }
  }

  private static func width(of label: String, _ builder: SceneBuilder) -> Double {
    builder.width(of: label, style) + 2 * padding
  }

  /// Draws a plate in the box's colour with a label.
  mutating func draw(
    _ label: String, color: Color, at box: Scene.Rect, _ builder: inout SceneBuilder
  ) {
    var style = Self.style
    style.color = color.textColor
    let plate = place(width: min(Self.width(of: label, builder), frame.width), beside: box)
    taken.append(plate)
    builder.rectangle(plate, fill: color)
    builder.text(label, x: plate.x + plate.width / 2, y: plate.y + 5.1, style, .center)
  }

  /// Where a plate stands: above the box, in its upper corner, below it or in its lower corner, or, where others
  /// stand there, farther down the picture.
  private func place(width: Double, beside box: Scene.Rect) -> Scene.Rect {
    let left = min(max(box.x, frame.x), frame.maxX - width)
    let last = frame.maxY - Self.height
    func plate(_ top: Double) -> Scene.Rect {
      Scene.Rect(
        x: left, y: max(min(top, last), frame.y), width: width, height: Self.height)
    }
    let tops =
      (box.y - Self.height >= frame.y ? [box.y - Self.height] : []) + [box.y]
      + (box.maxY <= last ? [box.maxY] : []) + [box.maxY - Self.height]
      + stride(from: frame.y, through: last, by: 1)
    return tops.map(plate).first { one in !taken.contains { Self.overlap(one, $0) } }
      ?? plate(box.y)
  }

  private static func overlap(_ one: Scene.Rect, _ other: Scene.Rect) -> Bool {
    one.x < other.maxX && other.x < one.maxX && one.y < other.maxY && other.y < one.maxY
  }
}
