internal import Drawing

/// The names left of rows of panels: of each outer facet once, over all the rows that share it, running
/// upwards; of the innermost beside each row.
struct RowLabels {
  private static let style = MapSheetLayout.type
  private static let pitch = 7.6
  private static let gap = 3.0
  /// The share of a block's width that the innermost names may take before they run upwards.
  private static let share = 0.2
  /// The share that they may take before they wrap.
  private static let wholeShare = 0.12

  /// `[row][level]`, from the outermost.
  let labels: [[String]]
  /// The room left of the panels.
  private(set) var width = 0.0
  /// Whether the innermost names run upwards.
  private var isTurned = false
  /// `[level]` the room of each outer level.
  private var levels: [Double] = []

  /// Labels of `rows`, drawn in `chunks` of neighbouring rows.
  /// - Parameters:
  ///   - pitch: from one row to the next.
  ///   - height: of a row.
  ///   - block: the width of names and panels together.
  init(
    _ labels: [[String]], chunks: [Range<Int>], pitch: Double, height: Double, block: Double,
    _ builder: SceneBuilder
  ) {
    self.labels = labels
    let count = labels.first?.count ?? 0
    for level in 0..<max(0, count - 1) {
      let widths = chunks.flatMap { spans($0, level: level) }.map { span in
        builder.verticalWidth(
          labels[span.lowerBound][level],
          height: Double(span.count - 1) * pitch + height, Self.style)
      }
      levels.append((widths.max() ?? 0) + Self.gap)
    }
    let names = Set(labels.compactMap(\.last))
    let whole = (names.map { builder.width(of: $0, Self.style) }.max() ?? 0) + 0.01
    let upright =
      whole <= max(24, block * Self.wholeShare)
      ? whole : Self.uprightWidth(of: names, height: height, builder)
    let turned = names.map { builder.verticalWidth($0, height: height, Self.style) }.max() ?? 0
    isTurned = turned < upright && upright > max(24, block * Self.share)
    width = levels.reduce(0, +) + (isTurned ? turned : upright) + Self.gap
  }

  /// The same names with as much room left of the panels.
  func widened(to width: Double) -> RowLabels {
    var labels = self
    labels.width = width
    return labels
  }

  /// The least width at which every name has no more lines than its row is high, words whole.
  private static func uprightWidth(
    of names: Set<String>, height: Double, _ builder: SceneBuilder
  ) -> Double {
    let most = max(1, Int(height / pitch))
    return names.map { name in
      let whole = builder.width(of: name, style)
      var width = builder.unbreakableWidth(of: name, style)
      while width < whole, builder.lines(name, width: width, style).count > most { width += 2 }
      return min(width, whole) + 0.01
    }.max() ?? 0
  }

  /// Neighbouring rows that share their names down to `level`.
  private func spans(_ rows: Range<Int>, level: Int) -> [Range<Int>] {
    MapSheetLayout.spans(rows) { Array(labels[$0].prefix(level + 1)) }
  }

  /// Writes the names of `rows`, the first of which begins at `y`.
  func draw(
    _ rows: Range<Int>, x: Double, y: Double, pitch: Double, height: Double,
    _ builder: inout SceneBuilder
  ) {
    func top(_ row: Int) -> Double { y + Double(row - rows.lowerBound) * pitch }
    var left = x
    for (level, room) in levels.enumerated() {
      for span in spans(rows, level: level) {
        let length = Double(span.count - 1) * pitch + height
        let middle = top(span.lowerBound) + length / 2
        builder.verticalParagraph(
          labels[span.lowerBound][level], x: left, y: middle, height: length, Self.style)
        let edge = left + room - Self.gap / 2
        builder.line(
          [
            Scene.Point(edge, top(span.lowerBound)),
            Scene.Point(edge, top(span.lowerBound) + length),
          ], builder.rule(0.4))
      }
      left += room
    }
    for row in rows {
      guard let name = labels[row].last else { continue }
      if isTurned {
        builder.verticalParagraph(
          name, x: left, y: top(row) + height / 2, height: height, Self.style)
      } else {
        builder.paragraph(
          name, x: left, y: top(row), width: x + width - Self.gap - left + 0.01, Self.style,
          baseline: 6.6, pitch: Self.pitch)
      }
    }
  }
}
