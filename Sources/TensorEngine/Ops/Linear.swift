private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

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

  /// `x Wᵀ + b` over the last axis, with a weight `[out, in]` that was packed; it has no gradient.
  /// - Precondition: the last axis of this tensor is `in` long.
  package func linear(_ weight: PackedWeight, _ bias: Tensor?) -> Tensor {
    Operation.linear(self, weight, bias)
  }
}

extension Operation {
  static func linear(_ x: Tensor, _ weight: Weight, _ bias: Tensor?) -> Evaluation {
    guard
      weight.shape.count == 2 && weight.shape[1] > 0 && x.shape.last == weight.shape[1]
        && (bias.map { $0.shape == [weight.shape[0]] } ?? true)
    else { bug("linear: \(x.shape) · \(weight.shape)ᵀ + \(bias?.shape ?? [])") }
    defer { weight.release() }
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    let rows = x.count / inner
    let output = unsafe Tensor(shape: x.shape.dropLast() + [columns]) { y in
      if rows > Matrix.fewRows {
        let product = unsafe PackedProduct(
          left: UnsafePointer(x.storage.pointer), rows: rows, columns: columns, inner: inner)
        unsafe product.put(into: y, from: start(bias)) { part, terms, panels in
          unsafe weight.pack(part, terms, into: panels)
        }
      } else {
        unsafe multiplyFew(x, rows, weight, bias, into: y)
      }
    }
    return Evaluation(output: output)
  }

  fileprivate static func linear(_ x: Tensor, _ packed: PackedWeight, _ bias: Tensor?) -> Tensor {
    let shape = packed.weight.shape
    guard
      shape.count == 2 && shape[1] > 0 && x.shape.last == shape[1]
        && (bias.map { $0.shape == [shape[0]] } ?? true)
    else { bug("linear: \(x.shape) · \(shape)ᵀ + \(bias?.shape ?? [])") }
    let (columns, inner) = (shape[0], shape[1])
    let rows = x.count / inner
    guard rows > Matrix.fewRows else { return linear(x, packed.weight, bias).output }
    return unsafe Tensor(shape: x.shape.dropLast() + [columns]) { y in
      let product = unsafe PackedProduct(
        left: UnsafePointer(x.storage.pointer), rows: rows, columns: columns, inner: inner)
      unsafe product.put(into: y, from: start(bias), packed: packed.panels)
    }
  }

  /// What a layer's sums begin with.
  private static func start(_ bias: Tensor?) -> PackedProduct.Start {
    bias.map { unsafe .row($0.storage.pointer) } ?? .zeros
  }

  /// The weight is the larger factor: each thread takes a part of it.
  private static func multiplyFew(
    _ x: Tensor, _ rows: Int, _ weight: Weight, _ bias: Tensor?,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    for row in 0..<rows {
      if let bias {
        unsafe (y + row * columns).update(from: bias.storage.pointer, count: columns)
      } else {
        unsafe (y + row * columns).update(repeating: 0, count: columns)
      }
    }
    Parallel.ranges(columns, grain: max(96, (columns + 15) / 16)) { part in
      unsafe weight.withFloats(part.lowerBound * inner..<part.upperBound * inner) { weight in
        unsafe Matrix.multiply(
          Matrix(x.storage.pointer, stride: inner),
          Matrix(weight, stride: inner, transposed: true), into: y + part.lowerBound,
          outputStride: columns, rows: rows, columns: part.count, inner: inner, adding: true)
      }
    }
  }

  static func linearPullback(_ gradient: Tensor, _ weight: Weight, _ shape: [Int]) -> Tensor {
    defer { weight.release() }
    let (inner, columns) = (weight.shape[0], weight.shape[1])
    let rows = gradient.count / max(inner, 1)
    return unsafe Tensor(shape: shape) { dx in
      if rows > Matrix.fewRows {
        let product = unsafe PackedProduct(
          left: UnsafePointer(gradient.storage.pointer), rows: rows, columns: columns, inner: inner)
        return unsafe product.put(into: dx, from: .zeros) { part, terms, panels in
          unsafe weight.packColumns(part, terms, into: panels)
        }
      }
      unsafe weight.withFloats { weight in
        unsafe Matrix.multiplyInParallel(
          Matrix(gradient.storage.pointer, stride: inner), Matrix(weight, stride: columns),
          into: dx, outputStride: columns, rows: rows, columns: columns, inner: inner)
      }
    }
  }
}
