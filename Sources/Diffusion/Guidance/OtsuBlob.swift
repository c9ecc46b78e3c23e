/// The part of a map around its peak, cut out by Otsu's threshold.
///
/// - Reference: Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 1979; InitNO's
///   `utils/attn_utils.py`, which takes the threshold of OpenCV.
package enum OtsuBlob {
  private static let levels = 256

  /// The cells that are not below the threshold and touch the peak through others, along rows and
  /// columns.
  ///
  /// Grey levels are 255 times the map, without their fractions; the threshold's own level belongs.
  ///
  /// - Parameters:
  ///   - peak: the place of the map's largest number.
  ///   - values: the map in row-major order, in 0…1.
  /// - Returns: whether each cell belongs; the peak always does.
  package static func around(_ peak: Int, in values: [Float], columns: Int) -> [Bool] {
    let least = Float(Double(threshold(values.map(greyLevel))) / Double(levels - 1))
    var blob = [Bool](repeating: false, count: values.count)
    blob[peak] = true
    var open = [peak]
    while let place = open.popLast() {
      var neighbours = [place - columns, place + columns]
      if place % columns > 0 { neighbours.append(place - 1) }
      if place % columns < columns - 1 { neighbours.append(place + 1) }
      for next in neighbours
      where values.indices.contains(next) && !blob[next] && values[next] >= least {
        blob[next] = true
        open.append(next)
      }
    }
    return blob
  }

  /// Whether each cell is not below the threshold, wherever it is.
  package static func mask(of values: [Float]) -> [Bool] {
    let least = Float(Double(threshold(values.map(greyLevel))) / Double(levels - 1))
    return values.map { $0 >= least }
  }

  private static func greyLevel(_ value: Float) -> Int {
    min(max(Int(value * Float(levels - 1)), 0), levels - 1)
  }

  /// The level that parts the histogram with the largest variance between the two sides; 0 where all
  /// levels are equal.
  ///
  /// In shares and running means, as OpenCV has it: where levels between the sides are empty, their
  /// variances are equal but for rounding, which decides.
  private static func threshold(_ grey: [Int]) -> Int {
    var shares = [Double](repeating: 0, count: levels)
    for level in grey { shares[level] += 1 }
    let all = Double(grey.count)
    shares = shares.map { $0 * (1 / all) }
    let mean = shares.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    var (below, belowMean) = (0.0, 0.0)
    var (best, chosen) = (0.0, 0)
    for level in 0..<levels {
      belowMean *= below
      below += shares[level]
      let above = 1 - below
      guard min(below, above) >= smallestShare, max(below, above) <= 1 - smallestShare else {
        continue
      }
      belowMean = (belowMean + Double(level) * shares[level]) / below
      let aboveMean = (mean - below * belowMean) / above
      let variance = below * above * (belowMean - aboveMean) * (belowMean - aboveMean)
      if variance > best { (best, chosen) = (variance, level) }
    }
    return chosen
  }

  /// A side with less of the cells is no side.
  private static let smallestShare = Double(Float.ulpOfOne)
}
