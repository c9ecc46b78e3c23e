/// The part of a map around its peak, cut out by Otsu's threshold.
///
/// - Reference: Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 1979.
enum OtsuBlob {
  private static let levels = 256

  /// The cells that are above the threshold and touch the peak through others, along rows and
  /// columns.
  ///
  /// - Parameters:
  ///   - peak: the place of the map's largest number.
  ///   - values: the map in row-major order.
  /// - Returns: whether each cell belongs; the peak always does.
  static func around(_ peak: Int, in values: [Float], columns: Int) -> [Bool] {
    let grey = greyLevels(values)
    let threshold = threshold(grey)
    var blob = [Bool](repeating: false, count: values.count)
    blob[peak] = true
    var open = [peak]
    while let place = open.popLast() {
      var neighbours = [place - columns, place + columns]
      if place % columns > 0 { neighbours.append(place - 1) }
      if place % columns < columns - 1 { neighbours.append(place + 1) }
      for next in neighbours
      where values.indices.contains(next) && !blob[next] && grey[next] > threshold {
        blob[next] = true
        open.append(next)
      }
    }
    return blob
  }

  /// The map in whole levels from its least to its largest number.
  private static func greyLevels(_ values: [Float]) -> [Int] {
    guard let least = values.min(), let most = values.max(), most > least else {
      return [Int](repeating: 0, count: values.count)
    }
    return values.map { Int(($0 - least) / (most - least) * Float(levels - 1)) }
  }

  /// The level that parts the histogram with the largest variance between the two sides.
  private static func threshold(_ grey: [Int]) -> Int {
    var counts = [Double](repeating: 0, count: levels)
    for level in grey { counts[level] += 1 }
    let all = Double(grey.count)
    let moment = counts.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    var (below, belowMoment) = (0.0, 0.0)
    var (best, chosen) = (-1.0, 0)
    for level in 0..<levels - 1 {
      below += counts[level]
      belowMoment += Double(level) * counts[level]
      guard below > 0, below < all else { continue }
      let difference = belowMoment / below - (moment - belowMoment) / (all - below)
      let variance = below * (all - below) * difference * difference
      if variance > best { (best, chosen) = (variance, level) }
    }
    return chosen
  }
}
