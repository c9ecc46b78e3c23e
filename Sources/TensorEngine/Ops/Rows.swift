// Unsafe: columns are read from, and put, where the caller has room for all rows.

/// Puts the chosen columns of a matrix side by side.
/// - Parameters:
///   - columns: which, in their order.
///   - source: `[row, width]`.
///   - target: `[row, column]`.
package func gatherColumns(
  _ columns: [Int], of source: UnsafePointer<Float>, rows: Int, width: Int,
  to target: UnsafeMutablePointer<Float>
) {
  var place = 0
  for row in 0..<rows {
    for column in columns {
      unsafe target[place] = unsafe source[row * width + column]
      place += 1
    }
  }
}

extension Tensor {
  /// The first row, of the last axis, whose values do not add up to 1 within `tolerance`, with their
  /// sum; `nil` if all do.
  package func firstRowNotSummingToOne(within tolerance: Double) -> (row: Int, sum: Double)? {
    let columns = shape.last ?? 1
    return withSpan { values in
      for row in 0..<values.count / columns {
        var sum = 0.0
        for column in 0..<columns { sum += Double(values[row * columns + column]) }
        if !(abs(sum - 1) <= tolerance) { return (row, sum) }
      }
      return nil
    }
  }
}
