private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

extension Tensor {
  /// The mean over the first axis, which goes.
  public var meanOverFirstAxis: Tensor { Operation.meanOverFirstAxis(self) }

  /// The sum of all numbers, a scalar.
  public var sum: Tensor { Operation.sum(self) }

  /// The largest number, a scalar, NaN if any is; its gradient goes to ``argmax``.
  public var maximum: Tensor { Operation.maximum(self) }

  /// The first place in row-major order that holds the largest number, or the first NaN.
  /// - Precondition: there is at least one number.
  public var argmax: Int {
    guard count > 0 else { bug("argmax of a tensor of shape \(shape)") }
    let top = unsafe ck_max(storage.pointer, count)
    return (0..<count).first { unsafe storage.pointer[$0] == top || storage.pointer[$0].isNaN } ?? 0
  }

  /// The largest number less the smallest; 0 for a tensor of none.
  package var spread: Double {
    guard count > 0 else { return 0 }
    return Double(maximum.item) + Double(affine(scale: -1).maximum.item)
  }

  /// The largest distance between numbers of two tensors in the same place; infinite where one is NaN.
  /// - Precondition: both have the same shape.
  package func largestDifference(to other: Tensor) -> Double {
    guard shape == other.shape else { bug("the difference of \(shape) and \(other.shape)") }
    var worst = 0.0
    for place in 0..<count {
      let difference = unsafe abs(
        Double(storage.pointer[place]) - Double(other.storage.pointer[place]))
      if !(difference <= worst) { worst = difference.isNaN ? .infinity : difference }
    }
    return worst
  }

  /// Whether no number is infinite or NaN.
  public var isFinite: Bool { unsafe ck_all_finite(storage.pointer, count) != 0 }
}

extension Operation {
  static func meanOverFirstAxis(_ x: Tensor) -> Evaluation {
    guard x.rank > 0 && x.shape[0] > 0 else { bug("mean over the first axis of \(x.shape)") }
    let size = x.count / x.shape[0]
    let output = unsafe Tensor(shape: Array(x.shape.dropFirst())) { y in
      unsafe y.update(repeating: 0, count: size)
      for row in 0..<x.shape[0] { unsafe ck_add_scaled(x.storage.pointer + row * size, y, size, 1) }
      unsafe ck_affine(y, y, size, 1 / Float(x.shape[0]), 0)
    }
    return Evaluation(output: output)
  }

  static func meanOverFirstAxisPullback(_ gradient: Tensor, _ shape: [Int]) -> Tensor {
    unsafe Tensor(shape: shape) { dx in
      for row in 0..<shape[0] {
        unsafe ck_affine(
          gradient.storage.pointer, dx + row * gradient.count, gradient.count,
          1 / Float(shape[0]), 0)
      }
    }
  }

  static func sum(_ x: Tensor) -> Evaluation {
    unsafe Evaluation(output: .scalar(ck_sum(x.storage.pointer, x.count)))
  }

  static func maximum(_ x: Tensor) -> Evaluation {
    unsafe Evaluation(output: .scalar(x.storage.pointer[x.argmax]), kept: [x])
  }

  static func maximumPullback(_ gradient: Tensor, _ kept: [Tensor]) -> Tensor {
    let place = kept[0].argmax
    return unsafe Tensor(shape: kept[0].shape) { dx in
      unsafe dx.update(repeating: 0, count: kept[0].count)
      unsafe dx[place] = gradient.item
    }
  }
}
