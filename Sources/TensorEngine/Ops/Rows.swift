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

extension Tensor {
  /// Each row of the last axis over its length and `epsilon`; it has no gradient.
  package func unitRows(epsilon: Float = 0) -> Tensor {
    let columns = shape.last ?? 1
    return unsafe Tensor(shape: shape) { target in
      for row in 0..<(columns == 0 ? 0 : count / columns) {
        let (from, to) = unsafe (storage.pointer + row * columns, target + row * columns)
        var sum: Float = 0
        for column in 0..<columns { unsafe sum += from[column] * from[column] }
        let length = sum.squareRoot() + epsilon
        for column in 0..<columns { unsafe to[column] = unsafe from[column] / length }
      }
    }
  }

  /// `[row, column]` plus a number of each row, times another of each row; it has no gradient.
  /// - Parameters:
  ///   - shift: `[row, 1]`.
  ///   - scale: `[row, 1]`.
  package func shiftedRows(by shift: Tensor, times scale: Tensor) -> Tensor {
    guard rank == 2, shift.shape == [shape[0], 1], scale.shape == shift.shape else {
      bug("shiftedRows: \(shape) by \(shift.shape) and \(scale.shape)")
    }
    let columns = shape[1]
    return unsafe Tensor(shape: shape) { target in
      for row in 0..<shape[0] {
        let (offset, factor) = unsafe (shift.storage.pointer[row], scale.storage.pointer[row])
        for place in row * columns..<(row + 1) * columns {
          unsafe target[place] = unsafe (storage.pointer[place] + offset) * factor
        }
      }
    }
  }

  /// The first row of `[row, column]` that holds each column's largest number, with the number.
  package var columnMaxima: [(row: Int, value: Float)] {
    guard rank == 2, shape[0] > 0 else { bug("columnMaxima of \(shape)") }
    let columns = shape[1]
    return (0..<columns).map { column in
      var best = unsafe (row: 0, value: storage.pointer[column])
      for row in 1..<max(1, shape[0]) {
        let value = unsafe storage.pointer[row * columns + column]
        if value > best.value { best = (row, value) }
      }
      return best
    }
  }

  /// The first column of `[row, column]` that holds each row's largest number, with the number.
  package var rowMaxima: [(column: Int, value: Float)] {
    guard rank == 2, shape[1] > 0 else { bug("rowMaxima of \(shape)") }
    let columns = shape[1]
    return (0..<shape[0]).map { row in
      let from = unsafe storage.pointer + row * columns
      var best = unsafe (column: 0, value: from[0])
      for column in 1..<max(1, columns) where unsafe from[column] > best.value {
        best = unsafe (column, from[column])
      }
      return best
    }
  }
}
