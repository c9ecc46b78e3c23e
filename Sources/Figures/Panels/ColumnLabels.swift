internal import Drawing

/// The names above columns of panels, each with a detail in smaller type below it.
///
/// Names take the largest type in which all fit their columns, and wrap where none does. Where a part of
/// a name that cannot be broken is wider than its column, all names run upwards.
struct ColumnLabels {
  /// What stands above a column.
  struct Label {
    var name: String
    /// May be empty.
    var detail = ""
  }

  private static let sizes = [7, 6.5, 6.0]
  private static let pitch = 7.6
  private static let detailPitch = 7.2
  private static let turned = SceneBuilder.TextStyle(size: 6.5)
  private static let gap = 2.0

  let labels: [Label]
  let width: Double
  let isTurned: Bool
  /// The room above the panels.
  let height: Double
  /// The longest line of names that run upwards.
  private let length: Double
  /// The type of names that do not run upwards.
  private let type: SceneBuilder.TextStyle

  init(_ labels: [Label], width: Double, _ builder: SceneBuilder) {
    (self.labels, self.width) = (labels, width)
    let least = SceneBuilder.TextStyle(size: Self.sizes[Self.sizes.count - 1])
    let type =
      Self.sizes.map { SceneBuilder.TextStyle(size: $0) }
      .first { type in labels.allSatisfy { builder.width(of: $0.name, type) <= width } } ?? least
    self.type = type
    isTurned = labels.contains { label in
      [label.name, label.detail].contains { builder.unbreakableWidth(of: $0, least) > width }
    }
    guard isTurned else {
      length = 0
      let heights = labels.map { label -> Double in
        Double(builder.lines(label.name, width: width, type).count) * Self.pitch
          + Double(builder.lines(label.detail, width: width, least).count) * Self.detailPitch
      }
      height = (heights.max() ?? 0) + Self.gap
      return
    }
    // As short as the columns are wide enough for all lines of a label beside each other.
    let longest = labels.map { builder.width(of: $0.name, Self.turned) }.max() ?? 0
    let length =
      stride(from: 24.0, to: longest + 8, by: 8).first { length in
        labels.allSatisfy { label in
          Self.turnedWidth(label, length: length, builder) <= width
            && builder.unbreakableWidth(of: label.name, Self.turned) <= length
        }
      } ?? longest + 8
    self.length = length
    let used = labels.flatMap { label in
      builder.lines(label.name, width: length, Self.turned).map {
        builder.width(of: $0, Self.turned)
      } + builder.lines(label.detail, width: length, least).map { builder.width(of: $0, least) }
    }
    height = (used.max() ?? 0) + Self.gap + 1
  }

  private static func turnedWidth(
    _ label: Label, length: Double, _ builder: SceneBuilder
  ) -> Double {
    builder.verticalWidth(label.name, height: length, turned)
      + builder.verticalWidth(label.detail, height: length, .init(size: 6))
  }

  /// Writes the labels over the middles of their columns, from `y` down, just above the panels.
  /// - Returns: The bottom, where the panels begin.
  func draw(centers: [Double], y: Double, _ builder: inout SceneBuilder) -> Double {
    let bottom = y + height
    for (label, center) in zip(labels, centers) {
      if isTurned {
        drawTurned(label, center: center, bottom: bottom - Self.gap, &builder)
      } else {
        draw(label, center: center, bottom: bottom - Self.gap, &builder)
      }
    }
    return bottom
  }

  private func draw(
    _ label: Label, center: Double, bottom: Double, _ builder: inout SceneBuilder
  ) {
    let name = builder.lines(label.name, width: width, type)
    let detail = builder.lines(label.detail, width: width, .init(size: 6))
    var top =
      bottom - Double(name.count) * Self.pitch - Double(detail.count) * Self.detailPitch
    for line in name {
      builder.text(line, x: center, y: top + 6.2, type, .center)
      top += Self.pitch
    }
    for line in detail {
      builder.text(line, x: center, y: top + 5.6, builder.secondary(6), .center)
      top += Self.detailPitch
    }
  }

  private func drawTurned(
    _ label: Label, center: Double, bottom: Double, _ builder: inout SceneBuilder
  ) {
    let left = center - Self.turnedWidth(label, length: length, builder) / 2
    let right = builder.verticalParagraph(
      label.name, x: left, y: bottom, height: length, Self.turned, .leading)
    builder.verticalParagraph(
      label.detail, x: right, y: bottom, height: length, builder.secondary(6), .leading)
  }
}
