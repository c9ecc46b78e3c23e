package import TensorEngine

/// A block of doubles and its shape: what the naive operations work on.
package struct NaiveTensor: Sendable {
  package var shape: [Int]
  package var values: [Double]

  package init(_ values: [Double], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *))
    self.values = values
    self.shape = shape
  }

  package init(_ tensor: Tensor) {
    self.init(tensor.values.map(Double.init), shape: tensor.shape)
  }

  /// Computes each number from its place, one index an axis.
  init(shape: [Int], _ value: ([Int]) -> Double) {
    var place = [Int](repeating: 0, count: shape.count)
    let values = (0..<shape.reduce(1, *)).map { _ in
      let result = value(place)
      for axis in shape.indices.reversed() {
        place[axis] += 1
        if place[axis] < shape[axis] { break }
        place[axis] = 0
      }
      return result
    }
    self.init(values, shape: shape)
  }

  subscript(place: [Int]) -> Double {
    get { values[index(of: place)] }
    set { values[index(of: place)] = newValue }
  }

  private func index(of place: [Int]) -> Int {
    precondition(place.count == shape.count)
    return zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }
  }

  /// The values in rows of the last axis.
  func mapRows(_ transform: (ArraySlice<Double>) -> [Double]) -> [Double] {
    let width = shape.last ?? 1
    return stride(from: 0, to: values.count, by: width).flatMap {
      transform(values[$0..<$0 + width])
    }
  }
}
