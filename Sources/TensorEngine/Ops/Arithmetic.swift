private import CKernels

extension Tensor {
  /// The sum of two tensors; the second may lack leading axes, over which it is repeated.
  public static func + (left: Tensor, right: Tensor) -> Tensor { Operation.add(left, right) }

  /// The product of two tensors, number by number; the second may lack leading axes, over which it
  /// is repeated.
  public static func * (left: Tensor, right: Tensor) -> Tensor { Operation.multiply(left, right) }

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
    precondition(x.shape.suffix(z.rank).elementsEqual(z.shape), "add: \(x.shape) + \(z.shape)")
    let output = Tensor(shape: x.shape) { y in
      if z.count == x.count {
        Parallel.ranges(x.count, grain: grain) { range in
          let at = range.lowerBound
          ck_add(x.storage.pointer + at, z.storage.pointer + at, y + at, range.count)
        }
      } else if z.count > 0 {
        for row in stride(from: 0, to: x.count, by: z.count) {
          ck_add(x.storage.pointer + row, z.storage.pointer, y + row, z.count)
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
    return Tensor(shape: shape) { y in
      y.update(repeating: 0, count: size)
      for row in stride(from: 0, to: x.count, by: max(size, 1)) {
        ck_add_scaled(x.storage.pointer + row, y, size, 1)
      }
    }
  }

  static func addToChannels(_ x: Tensor, _ offsets: Tensor) -> Evaluation {
    precondition(
      x.rank == 4 && offsets.shape == Array(x.shape.prefix(2)),
      "addToChannels: \(x.shape) + \(offsets.shape)")
    let pixels = x.shape[2] * x.shape[3]
    let output = Tensor(shape: x.shape) { y in
      Parallel.ranges(offsets.count, grain: max(1, grain / max(pixels, 1))) { range in
        for plane in range {
          let at = plane * pixels
          ck_affine(x.storage.pointer + at, y + at, pixels, 1, offsets.storage.pointer[plane])
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
    let offsets = Tensor(shape: shapes[1]) { dy in
      for plane in 0..<shapes[1][0] * shapes[1][1] {
        dy[plane] = ck_sum(gradient.storage.pointer + plane * pixels, pixels)
      }
    }
    return [gradient, offsets]
  }

  static func multiply(_ x: Tensor, _ z: Tensor) -> Evaluation {
    precondition(x.shape.suffix(z.rank).elementsEqual(z.shape), "multiply: \(x.shape) * \(z.shape)")
    let output = Tensor(shape: x.shape) { y in
      for row in stride(from: 0, to: x.count, by: max(z.count, 1)) {
        ck_multiply(x.storage.pointer + row, z.storage.pointer, y + row, z.count)
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

  static func affine(_ x: Tensor, _ scale: Float, _ offset: Float) -> Evaluation {
    let output = Tensor(shape: x.shape) { y in
      Parallel.ranges(x.count, grain: grain) { range in
        let at = range.lowerBound
        ck_affine(x.storage.pointer + at, y + at, range.count, scale, offset)
      }
    }
    return Evaluation(output: output)
  }
}
