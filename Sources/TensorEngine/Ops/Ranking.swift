private import Glibc

// Unsafe: a tensor's and an array's elements are reached by address; the shape bounds every index.

extension Tensor {
  /// The logarithm of the softmax over the last axis; it has no gradient.
  package var logSoftmax: Tensor {
    let columns = shape.last ?? 1
    return unsafe Tensor(shape: shape) { target in
      for row in 0..<(columns == 0 ? 0 : count / columns) {
        let (from, to) = unsafe (storage.pointer + row * columns, target + row * columns)
        var top = -Float.infinity
        for column in 0..<columns { top = unsafe max(top, from[column]) }
        var sum = 0.0
        for column in 0..<columns { sum += unsafe exp(Double(from[column] - top)) }
        let rest = Float(log(sum))
        for column in 0..<columns { unsafe to[column] = unsafe from[column] - top - rest }
      }
    }
  }
}

extension Array<Float> {
  /// The places of the largest numbers with their values, the largest first; of equal ones the first.
  package func largest(_ number: Int) -> [(place: Int, value: Float)] {
    var best: [(place: Int, value: Float)] = []
    unsafe withUnsafeBufferPointer { values in
      for place in values.indices {
        let value = unsafe values[place]
        if best.count == number, let last = best.last, !(value > last.value) { continue }
        let at = best.firstIndex { value > $0.value } ?? best.count
        best.insert((place, value), at: at)
        if best.count > number { best.removeLast() }
      }
    }
    return best
  }
}
