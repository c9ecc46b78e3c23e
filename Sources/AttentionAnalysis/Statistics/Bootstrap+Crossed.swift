internal import TensorEngine

extension Bootstrap {
  /// The interval of the mean of samples that belong to a row and a column each, as answers belong to a person and
  /// a question: each draw takes rows with replacement and columns with replacement, independently.
  ///
  /// A sample weighs the product of how often its row and its column were taken, so that neither people nor
  /// questions are taken for all there are. The ends are NaN with fewer than two rows or two columns.
  ///
  /// Source: Owen, The pigeonhole bootstrap, The Annals of Applied Statistics 1, 2007.
  /// - Parameter samples: `[row][column]`; NaN where a row has no sample of a column.
  /// - Precondition: the rows are equally long.
  package func crossedInterval(of samples: [[Double]]) -> BootstrapInterval {
    let (rows, columns) = (samples.count, samples.first?.count ?? 0)
    guard samples.allSatisfy({ $0.count == columns }) else { bug("rows of different lengths") }
    let values = samples.flatMap { $0 }
    let kept = values.filter { !$0.isNaN }
    func mean(_ rowWeights: [Double], _ columnWeights: [Double]) -> Double {
      var (sum, weight) = (0.0, 0.0)
      for row in 0..<rows where rowWeights[row] > 0 {
        for column in 0..<columns {
          let value = values[row * columns + column]
          guard !value.isNaN else { continue }
          let product = rowWeights[row] * columnWeights[column]
          sum += product * value
          weight += product
        }
      }
      return sum / weight
    }
    func drawn(_ count: Int, _ source: inout NumpyRandomSource) -> [Double] {
      var weights = [Double](repeating: 0, count: count)
      for _ in 0..<count { weights[source.place(below: count)] += 1 }
      return weights
    }
    let ends =
      rows > 1 && columns > 1
      ? ends { source in
        let rowWeights = drawn(rows, &source)
        return mean(rowWeights, drawn(columns, &source))
      } : (.nan, .nan)
    return BootstrapInterval(
      estimate: kept.isEmpty ? .nan : kept.reduce(0, +) / Double(kept.count), lower: ends.lower,
      upper: ends.upper, count: kept.count, clusters: rows, leftOut: values.count - kept.count)
  }
}
