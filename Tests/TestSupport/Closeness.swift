package import TensorEngine
package import Testing

/// The largest difference between numbers and what they should be.
package struct Deviation: Sendable, CustomStringConvertible {
  /// The largest absolute difference; infinite if exactly one of two numbers is NaN.
  package private(set) var largest = 0.0
  /// Where it is.
  package private(set) var index = 0
  /// The largest magnitude that was expected.
  package private(set) var range = 0.0

  package init(_ actual: [Float], _ expected: [Double]) {
    for (place, (a, e)) in zip(actual, expected).enumerated() {
      if e.isFinite { range = max(range, abs(e)) }
      let isSame = Double(a) == e || (a.isNaN && e.isNaN)
      let difference = isSame ? 0 : abs(Double(a) - e)
      if !(difference <= largest) {
        largest = difference.isNaN ? .infinity : difference
        index = place
      }
    }
  }

  package var relativeToRange: Double { range > 0 ? largest / range : largest }

  package var description: String {
    "largest error \(largest) at \(index), \(relativeToRange) of the range \(range)"
  }
}

/// Expects numbers to lie within `relative` times the largest expected magnitude, or `absolute` if
/// that is more, of what they should be.
@discardableResult
package func expectClose(
  _ actual: [Float], _ expected: [Double], relative: Double, absolute: Double = 0,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) -> Deviation {
  #expect(actual.count == expected.count, "\(what())", sourceLocation: sourceLocation)
  let deviation = Deviation(actual, expected)
  let isClose = deviation.largest <= max(absolute, relative * deviation.range)
  #expect(
    isClose,
    "\(what()): \(deviation); got \(actual[deviation.index]), expected \(expected[deviation.index])",
    sourceLocation: sourceLocation)
  return deviation
}

/// Expects a tensor to have the shape of another and to lie close to it, as above.
@discardableResult
package func expectClose(
  _ actual: Tensor, _ expected: Tensor, relative: Double, absolute: Double = 0,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) -> Deviation {
  #expect(actual.shape == expected.shape, "\(what())", sourceLocation: sourceLocation)
  return expectClose(
    actual.values, expected.values.map(Double.init), relative: relative, absolute: absolute,
    what(), sourceLocation: sourceLocation)
}
