package import AttentionAnalysis
package import Drawing

extension ValueScale {
  /// Makes a scale from zero, or from the least value if it is negative, to the greatest value.
  ///
  /// NaN and infinities are ignored. When no value exceeds zero the scale is 0…1.
  package init(covering maps: [AttentionMap]) {
    var (least, greatest) = (0.0, 0.0)
    for map in maps {
      for value in map.values where value.isFinite {
        least = min(least, Double(value))
        greatest = max(greatest, Double(value))
      }
    }
    self.init(lower: least, upper: greatest > least ? greatest : least + 1)
  }

  /// Makes a logarithmic scale up to the greatest value: from the least above zero, but over at most
  /// four powers of ten.
  ///
  /// What is smaller, zero included, takes the first colour. When nothing exceeds zero the scale is
  /// 0.0001…1.
  package init(logarithmCovering maps: [AttentionMap]) {
    let values = maps.lazy.flatMap(\.values).filter { $0.isFinite && $0 > 0 }.map(Double.init)
    let greatest = values.max() ?? 1
    let least = values.min() ?? 0
    let decades = greatest / 1e4
    self.init(
      lower: least < greatest ? max(least, decades) : decades, upper: greatest, isLogarithmic: true)
  }

  /// Makes a scale from the smallest to the largest value of one map.
  package init(stretchedOver map: AttentionMap) {
    let values = map.values.lazy.filter(\.isFinite).map(Double.init)
    let (least, greatest) = (values.min() ?? 0, values.max() ?? 1)
    self.init(lower: least, upper: greatest > least ? greatest : least + 1)
  }

  /// Makes a scale symmetric about zero that covers all values.
  ///
  /// NaN and infinities are ignored; when all values are zero the scale is −1…1.
  package init(symmetricCovering maps: [AttentionMap]) {
    let values = maps.lazy.flatMap(\.values).filter(\.isFinite)
    let reach = values.map { abs(Double($0)) }.max() ?? 0
    let upper = reach > 0 ? reach : 1
    self.init(lower: -upper, upper: upper)
  }
}
