/// How a map's values are spread between the middles of its cells, before they become colours.
///
/// Cells are aligned as torch's `interpolate(align_corners=False)` does.
public enum Interpolation: String, Hashable, Sendable, CaseIterable, Codable {
  /// Not at all: a cell is a cell.
  case nearest
  /// Straight lines between neighbours, which invents no extremes.
  case bilinear
  /// Keys's cubic with a = −0.75, torch's; held within the map's own range, which it would leave.
  case bicubic

  /// `map` on a grid `factor` times as fine.
  package func enlarged(_ map: HeatMap, by factor: Int) -> HeatMap {
    guard self != .nearest, factor > 1 else { return map }
    let down = taps(map.rows, factor)
    let across = taps(map.columns, factor)
    let width = across.count
    var lines = [Float](repeating: 0, count: map.rows * width)
    for row in 0..<map.rows {
      for (column, taps) in across.enumerated() {
        lines[row * width + column] = taps.reduce(0) {
          $0 + $1.weight * map.values[row * map.columns + $1.index]
        }
      }
    }
    let least = map.values.min() ?? 0
    let greatest = map.values.max() ?? 0
    var values = [Float](repeating: 0, count: down.count * width)
    for (row, taps) in down.enumerated() {
      for column in 0..<width {
        let value = taps.reduce(0) { $0 + $1.weight * lines[$1.index * width + column] }
        values[row * width + column] = min(max(value, least), greatest)
      }
    }
    return HeatMap(rows: down.count, columns: width, values: values)
  }

  /// For each new place along a side, the old ones that it is made of; the border repeats.
  private func taps(_ count: Int, _ factor: Int) -> [[(index: Int, weight: Float)]] {
    (0..<(count * factor)).map { place in
      let source = (Double(place) + 0.5) / Double(factor) - 0.5
      let first = source.rounded(.down)
      let share = source - first
      return kernel(share).map { offset, weight in
        (min(max(Int(first) + offset, 0), count - 1), Float(weight))
      }
    }
  }

  private func kernel(_ share: Double) -> [(offset: Int, weight: Double)] {
    switch self {
    case .nearest: [(share < 0.5 ? 0 : 1, 1)]
    case .bilinear: [(0, 1 - share), (1, share)]
    case .bicubic: (-1...2).map { ($0, Self.cubic(abs(share - Double($0)))) }
    }
  }

  private static func cubic(_ distance: Double) -> Double {
    let a = -0.75
    return distance <= 1
      ? ((a + 2) * distance - (a + 3)) * distance * distance + 1
      : distance < 2 ? ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a : 0
  }
}
