extension Tensor {
  /// `x Wᵀ + b` over the last axis.
  ///
  /// - Parameters:
  ///   - weight: `[out, in]`.
  ///   - bias: `[out]`.
  /// - Precondition: the last axis of this tensor is `in` long.
  package func linear(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
    Operation.linear(weight: weight, bias: bias)(self)
  }
}

extension Operation {
  static func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Evaluation {
    precondition(
      weight.rank == 2 && weight.shape[1] > 0 && x.shape.last == weight.shape[1]
        && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "linear: \(x.shape) · \(weight.shape)ᵀ + \(bias?.shape ?? [])")
    let inner = weight.shape[1]
    let columns = weight.shape[0]
    let rows = x.count / inner
    let output = Tensor(shape: x.shape.dropLast() + [columns]) { y in
      if let bias {
        for row in 0..<rows {
          (y + row * columns).update(from: bias.storage.pointer, count: columns)
        }
      }
      Matrix.multiplyInParallel(
        Matrix(x.storage.pointer, stride: inner),
        Matrix(weight.storage.pointer, stride: inner, transposed: true),
        into: y, outputStride: columns, rows: rows, columns: columns, inner: inner,
        beta: bias == nil ? 0 : 1)
    }
    return Evaluation(output: output)
  }

  static func linearPullback(_ gradient: Tensor, _ weight: Tensor, _ shape: [Int]) -> Tensor {
    let columns = weight.shape[1]
    let inner = weight.shape[0]
    return Tensor(shape: shape) { dx in
      Matrix.multiplyInParallel(
        Matrix(gradient.storage.pointer, stride: inner),
        Matrix(weight.storage.pointer, stride: columns),
        into: dx, outputStride: columns, rows: gradient.count / max(inner, 1), columns: columns,
        inner: inner)
    }
  }
}
