package import AttentionAnalysis
internal import AttentionTrace
package import Drawing

/// Lines of equal value between the centres of a map's cells, by marching squares.
///
/// - Reference: Lorensen & Cline, Marching Cubes, SIGGRAPH 1987, in two dimensions; at a saddle the
///   mean of its four corners decides.
package struct Contours {
  package typealias Segment = (from: Scene.Point, to: Scene.Point)

  /// How many points lie between the centres of two cells where lines are smooth: odd, so that the
  /// centres are points too, and lines pass them as the cells' own values say.
  private static let fineness = 7

  private let map: AttentionMap
  /// The map that is drawn: a finer one, where its values are interpolated.
  private let fine: AttentionMap

  /// Lines of `map`, straight from one cell's centre to the next, or through values that `kernel` finds
  /// between them.
  ///
  /// Cells without a value have no lines about them; a map with such is left as it is.
  package init(map: AttentionMap, by kernel: Recipe.Interpolation = .nearest) {
    self.map = map
    fine = map.values.allSatisfy(\.isFinite) ? map.enlarged(by: Self.fineness, kernel) : map
  }

  /// Draws a line for each level in its colour, on a wider one in black or white that shows it on any
  /// picture.
  ///
  /// - Parameter levels: shares of the scale, and the values there.
  func draw(
    _ levels: [(share: Double, value: Double)], in frame: Scene.Rect, _ colors: ColorMap,
    _ builder: inout SceneBuilder
  ) {
    for level in levels {
      let color = colors.color(at: level.share)
      let lines = Self.joined(segments(at: level.value)).map { line in
        line.map {
          Scene.Point(
            frame.x + ($0.x + 0.5) / Double(map.grid.columns) * frame.width,
            frame.y + ($0.y + 0.5) / Double(map.grid.rows) * frame.height)
        }
      }
      builder.group("contour \(NumberText.plain(level.share * 100)) %") { builder in
        for line in lines { builder.line(line, Scene.Stroke(color.textColor, width: 1.5)) }
        for line in lines { builder.line(line, Scene.Stroke(color, width: 0.8)) }
      }
    }
  }

  /// Where the map passes `level`, in cells from the centre of the first one.
  package func segments(at level: Double) -> [Segment] {
    var segments: [Segment] = []
    let columns = fine.grid.columns
    for row in stride(from: 0, to: fine.grid.rows - 1, by: 1) {
      for column in stride(from: 0, to: columns - 1, by: 1) {
        let first = row * columns + column
        func isAbove(_ index: Int) -> Bool { Double(fine.values[index]) >= level }
        let isOneSided =
          isAbove(first) == isAbove(first + 1) && isAbove(first) == isAbove(first + columns)
          && isAbove(first) == isAbove(first + columns + 1)
        // Most squares are.
        if !isOneSided { segments += square(row, column, level) }
      }
    }
    return segments
  }

  /// A point of the finer map, in cells from the centre of the first one.
  private func place(_ row: Int, _ column: Int) -> Scene.Point {
    func along(_ index: Int, _ fine: Int, _ count: Int) -> Double {
      fine == count ? Double(index) : (Double(index) + 0.5) * Double(count) / Double(fine) - 0.5
    }
    return Scene.Point(
      along(column, fine.grid.columns, map.grid.columns),
      along(row, fine.grid.rows, map.grid.rows))
  }

  /// The segments between four neighbouring points.
  private func square(_ row: Int, _ column: Int, _ level: Double) -> [Segment] {
    let corners = [(0, 0), (0, 1), (1, 1), (1, 0)].map { down, right in
      (
        place: place(row + down, column + right),
        value: Double(fine.values[(row + down) * fine.grid.columns + column + right])
      )
    }
    guard corners.allSatisfy(\.value.isFinite) else { return [] }
    // Crossings of the four sides, clockwise from the top.
    let crossings = (0..<4).compactMap { side -> Scene.Point? in
      // From the left or from above, so that neighbours find the very same point.
      let (one, other) =
        side < 2
        ? (corners[side], corners[side + 1]) : (corners[(side + 1) % 4], corners[side])
      guard (one.value >= level) != (other.value >= level) else { return nil }
      let share = (level - one.value) / (other.value - one.value)
      return Scene.Point(
        one.place.x + share * (other.place.x - one.place.x),
        one.place.y + share * (other.place.y - one.place.y))
    }
    guard crossings.count == 4 else {
      return crossings.count == 2 ? [(crossings[0], crossings[1])] : []
    }
    let middle = corners.map(\.value).reduce(0, +) / 4
    return (middle >= level) == (corners[0].value >= level)
      ? [(crossings[0], crossings[1]), (crossings[2], crossings[3])]
      : [(crossings[3], crossings[0]), (crossings[1], crossings[2])]
  }

  /// Segments that share an end, as long lines.
  package static func joined(_ segments: [Segment]) -> [[Scene.Point]] {
    var ends: [Scene.Point: [Int]] = [:]
    for (index, segment) in segments.enumerated() {
      ends[segment.from, default: []].append(index)
      ends[segment.to, default: []].append(index)
    }
    var isUsed = [Bool](repeating: false, count: segments.count)
    func followed(from start: Scene.Point) -> [Scene.Point] {
      var line: [Scene.Point] = []
      var place = start
      while let next = ends[place]?.first(where: { !isUsed[$0] }) {
        isUsed[next] = true
        place = segments[next].from == place ? segments[next].to : segments[next].from
        line.append(place)
      }
      return line
    }
    var lines: [[Scene.Point]] = []
    for (index, segment) in segments.enumerated() where !isUsed[index] {
      isUsed[index] = true
      let after = followed(from: segment.to)
      let before = followed(from: segment.from)
      lines.append(before.reversed() + [segment.from, segment.to] + after)
    }
    return lines
  }
}
