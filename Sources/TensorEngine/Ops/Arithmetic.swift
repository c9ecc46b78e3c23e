private import CKernels
private import Glibc

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

extension Tensor {
  /// The sum of two tensors; the second may lack leading axes, over which it is repeated.
  public static func + (left: Tensor, right: Tensor) -> Tensor { Operation.add(left, right) }

  /// The product of two tensors, number by number; the second may lack leading axes, over which it
  /// is repeated.
  public static func * (left: Tensor, right: Tensor) -> Tensor { Operation.multiply(left, right) }

  /// Each number over one of the second tensor's, of either sign; the second may lack leading axes,
  /// over which it is repeated.
  public static func / (left: Tensor, right: Tensor) -> Tensor { Operation.divide(left, right) }

  /// `scale · x + offset`.
  public func affine(scale: Float, offset: Float = 0) -> Tensor {
    Operation.affine(scale: scale, offset: offset)(self)
  }

  /// Adds `offsets` `[batch, channel]` to each plane of `[batch, channel, row, column]`.
  package func addingToChannels(_ offsets: Tensor) -> Tensor {
    Operation.addToChannels(self, offsets)
  }
}

extension Operation {
  private static let grain = 1 << 15

  static func add(_ x: Tensor, _ z: Tensor) -> Evaluation {
    guard x.shape.suffix(z.rank).elementsEqual(z.shape) else { bug("add: \(x.shape) + \(z.shape)") }
    let output = unsafe Tensor(shape: x.shape) { y in
      if z.count == x.count {
        Parallel.ranges(x.count, grain: grain) { range in
          let at = range.lowerBound
          unsafe ck_add(x.storage.pointer + at, z.storage.pointer + at, y + at, range.count)
        }
      } else if z.count > 0 {
        for row in stride(from: 0, to: x.count, by: z.count) {
          unsafe ck_add(x.storage.pointer + row, z.storage.pointer, y + row, z.count)
        }
      }
    }
    return Evaluation(output: output)
  }

  static func addPullback(_ gradient: Tensor, _ shapes: [[Int]], _ wanted: [Bool]) -> [Tensor?] {
    var second: Tensor?
    if wanted[1] {
      second = shapes[1] == shapes[0] ? gradient : sumOverLeading(gradient, shapes[1])
    }
    return [gradient, second]
  }

  private static func sumOverLeading(_ x: Tensor, _ shape: [Int]) -> Tensor {
    let size = shape.reduce(1, *)
    return unsafe Tensor(shape: shape) { y in
      unsafe y.update(repeating: 0, count: size)
      for row in stride(from: 0, to: x.count, by: max(size, 1)) {
        unsafe ck_add_scaled(x.storage.pointer + row, y, size, 1)
      }
    }
  }

  static func addToChannels(_ x: Tensor, _ offsets: Tensor) -> Evaluation {
    guard x.rank == 4 && offsets.shape == Array(x.shape.prefix(2)) else {
      bug("addToChannels: \(x.shape) + \(offsets.shape)")
    }
    let pixels = x.shape[2] * x.shape[3]
    let output = unsafe Tensor(shape: x.shape) { y in
      Parallel.ranges(offsets.count, grain: max(1, grain / max(pixels, 1))) { range in
        for plane in range {
          let at = plane * pixels
          unsafe ck_affine(
            x.storage.pointer + at, y + at, pixels, 1, offsets.storage.pointer[plane])
        }
      }
    }
    return Evaluation(output: output)
  }

  static func addToChannelsPullback(
    _ gradient: Tensor, _ shapes: [[Int]], _ wanted: [Bool]
  ) -> [Tensor?] {
    guard wanted[1] else { return [gradient, nil] }
    let pixels = shapes[0][2] * shapes[0][3]
    let offsets = unsafe Tensor(shape: shapes[1]) { dy in
      for plane in 0..<shapes[1][0] * shapes[1][1] {
        unsafe dy[plane] = unsafe ck_sum(gradient.storage.pointer + plane * pixels, pixels)
      }
    }
    return [gradient, offsets]
  }

  static func multiply(_ x: Tensor, _ z: Tensor) -> Evaluation {
    guard x.shape.suffix(z.rank).elementsEqual(z.shape) else {
      bug("multiply: \(x.shape) * \(z.shape)")
    }
    let output = unsafe Tensor(shape: x.shape) { y in
      for row in stride(from: 0, to: x.count, by: max(z.count, 1)) {
        unsafe ck_multiply(x.storage.pointer + row, z.storage.pointer, y + row, z.count)
      }
    }
    return Evaluation(output: output, kept: [x, z])
  }

  static func multiplyPullback(
    _ gradient: Tensor, _ kept: [Tensor], _ wanted: [Bool]
  ) -> [Tensor?] {
    var second: Tensor?
    if wanted[1] {
      let whole = multiply(gradient, kept[0]).output
      second = kept[1].count == whole.count ? whole : sumOverLeading(whole, kept[1].shape)
    }
    return [wanted[0] ? multiply(gradient, kept[1]).output : nil, second]
  }

  /// Multiplies by a reciprocal that is `exp(−log|z|)` with the sign of z, and not by `1 / z`: the
  /// two differ in the last bit, from which a guided picture would come out otherwise than
  /// recorded ones.
  static func divide(_ x: Tensor, _ z: Tensor) -> Evaluation {
    guard x.shape.suffix(z.rank).elementsEqual(z.shape) else {
      bug("divide: \(x.shape) / \(z.shape)")
    }
    let reciprocal = unsafe Tensor(shape: z.shape) { y in
      let divisors = unsafe z.storage.pointer
      for i in 0..<z.count {
        unsafe y[i] = unsafe Float(
          signOf: divisors[i], magnitudeOf: exp(-log(divisors[i].magnitude)))
      }
    }
    return Evaluation(output: multiply(x, reciprocal).output, kept: [x, z, reciprocal])
  }

  static func dividePullback(
    _ gradient: Tensor, _ kept: [Tensor], _ wanted: [Bool]
  ) -> [Tensor?] {
    let (z, reciprocal) = (kept[1], kept[2])
    let parts = multiplyPullback(gradient, [kept[0], reciprocal], wanted)
    // d(1 / z) = −(1 / z) / z; from 0, so that a slope of 0 is +0 here as along any other way.
    let second = parts[1].map { slope in
      unsafe Tensor(shape: z.shape) { dz in
        let (slopes, inverses) = unsafe (slope.storage.pointer, reciprocal.storage.pointer)
        for i in 0..<z.count {
          unsafe dz[i] = unsafe (0 - slopes[i] * inverses[i]) / z.storage.pointer[i]
        }
      }
    }
    return [parts[0], second]
  }

  static func affine(_ x: Tensor, _ scale: Float, _ offset: Float) -> Evaluation {
    let output = unsafe Tensor(shape: x.shape) { y in
      Parallel.ranges(x.count, grain: grain) { range in
        let at = range.lowerBound
        unsafe ck_affine(x.storage.pointer + at, y + at, range.count, scale, offset)
      }
    }
    return Evaluation(output: output)
  }
}
