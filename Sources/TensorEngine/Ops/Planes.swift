// Unsafe: loops over addresses. They are those of tensors that live as long as the loop, and shapes that
// are checked first bound every index.

extension Tensor {
  /// `[plane, row, column]` continued with zeros below and to the right, up to a square.
  package func paddedWithZeros(toSide side: Int) -> Tensor {
    guard rank == 3, shape[1] <= side, shape[2] <= side else { bug("padded: \(shape) to \(side)") }
    let (height, width) = (shape[1], shape[2])
    return unsafe Tensor(shape: [shape[0], side, side]) { target in
      for plane in 0..<shape[0] {
        for row in 0..<side {
          let to = unsafe target + (plane * side + row) * side
          guard row < height else {
            unsafe to.update(repeating: 0, count: side)
            continue
          }
          unsafe to.update(from: storage.pointer + (plane * height + row) * width, count: width)
          unsafe (to + width).update(repeating: 0, count: side - width)
        }
      }
    }
  }

  /// Each plane of `[plane, row, column]` less its mean, over its deviation; numbers by plane.
  package func normalizedPlanes(mean: [Float], deviation: [Float]) -> Tensor {
    guard rank == 3, mean.count == shape[0], deviation.count == shape[0] else {
      bug("normalizedPlanes: \(shape) with \(mean.count) means")
    }
    let size = shape[1] * shape[2]
    return unsafe Tensor(shape: shape) { target in
      for plane in 0..<shape[0] {
        let (middle, width) = (mean[plane], deviation[plane])
        for place in plane * size..<(plane + 1) * size {
          unsafe target[place] = unsafe (storage.pointer[place] - middle) / width
        }
      }
    }
  }
}
