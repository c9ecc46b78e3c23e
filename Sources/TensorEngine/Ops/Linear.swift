extension Tensor {
  /// `x Wᵀ + b` over the last axis.
  ///
  /// - Parameters:
  ///   - weight: `[out, in]`.
  ///   - bias: `[out]`.
  /// - Precondition: the last axis of this tensor is `in` long.
  package func linear(_ weight: Weight, _ bias: Tensor?) -> Tensor {
    Operation.linear(weight: weight, bias: bias)(self)
  }
}

extension Operation {
  static func linear(_ x: Tensor, _ weight: Weight, _ bias: Tensor?) -> Evaluation {
    requireLinear(x.shape, weight, bias)
    defer { weight.release() }
    return Evaluation(output: linearOutput(x, weight, bias))
  }

  static func requireLinear(_ shape: [Int], _ weight: Weight, _ bias: Tensor?) {
    precondition(
      weight.shape.count == 2 && weight.shape[1] > 0 && shape.last == weight.shape[1]
        && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "linear: \(shape) · \(weight.shape)ᵀ + \(bias?.shape ?? [])")
  }

  private static func linearOutput(_ x: Tensor, _ weight: Weight, _ bias: Tensor?) -> Tensor {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    let rows = x.count / inner
    return Tensor(shape: x.shape.dropLast() + [columns]) { y in
      let left = Matrix(x.storage.pointer, stride: inner)
      if rows >= columns {
        weight.withFloats { weight in
          rowsTimes(left, weight, bias, into: y, rows: rows, columns: columns, inner: inner)
        }
        return
      }
      // The weight is the larger factor: each thread takes a part of it.
      fill(y, rows: rows, columns: columns, bias)
      let grain = max(96, (columns + 15) / 16)
      Parallel.ranges(columns, grain: grain) { part in
        weight.withFloats(part.lowerBound * inner..<part.upperBound * inner) { weight in
          Matrix.multiply(
            left, Matrix(weight, stride: inner, transposed: true), into: y + part.lowerBound,
            outputStride: columns, rows: rows, columns: part.count, inner: inner,
            beta: bias == nil ? 0 : 1)
        }
      }
    }
  }

  /// Puts the bias into every row, for a product to be added to.
  private static func fill(
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, _ bias: Tensor?
  ) {
    guard let bias else { return }
    for row in 0..<rows {
      (y + row * columns).update(from: bias.storage.pointer, count: columns)
    }
  }

  /// `y = x Wᵀ + b` for a weight whose floats are at hand.
  static func rowsTimes(
    _ x: Matrix, _ weight: UnsafePointer<Float>, _ bias: Tensor?,
    into y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, inner: Int
  ) {
    fill(y, rows: rows, columns: columns, bias)
    Matrix.multiplyInParallel(
      x, Matrix(weight, stride: inner, transposed: true), into: y, outputStride: columns,
      rows: rows, columns: columns, inner: inner, beta: bias == nil ? 0 : 1)
  }

  static func linearPullback(_ gradient: Tensor, _ weight: Weight, _ shape: [Int]) -> Tensor {
    defer { weight.release() }
    let (inner, columns) = (weight.shape[0], weight.shape[1])
    return Tensor(shape: shape) { dx in
      weight.withFloats { weight in
        Matrix.multiplyInParallel(
          Matrix(gradient.storage.pointer, stride: inner), Matrix(weight, stride: columns),
          into: dx, outputStride: columns, rows: gradient.count / max(inner, 1),
          columns: columns, inner: inner)
      }
    }
  }
}
