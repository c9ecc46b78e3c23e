private import CKernels

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
  /// From so many rows on, packing the weight ourselves and multiplying by what is packed is faster
  /// than OpenBLAS, which packs both factors for every part.
  private static let rowsToPackFor = 512

  private static let panel = CK_PANEL
  /// Rows that one panel after the other is multiplied with.
  private static let rowsTogether = 60

  static func linear(_ x: Tensor, _ weight: Weight, _ bias: Tensor?) -> Evaluation {
    precondition(
      weight.shape.count == 2 && weight.shape[1] > 0 && x.shape.last == weight.shape[1]
        && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "linear: \(x.shape) · \(weight.shape)ᵀ + \(bias?.shape ?? [])")
    defer { weight.release() }
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    let rows = x.count / inner
    let output = Tensor(shape: x.shape.dropLast() + [columns]) { y in
      if rows >= rowsToPackFor {
        multiply(x, rows, columns, inner, bias, into: y) { part, panel in
          weight.withRows(part, 0..<inner) { ck_pack($0, $1, part.count, inner, panel) }
        }
      } else {
        multiplyFew(x, rows, weight, bias, into: y)
      }
    }
    return Evaluation(output: output)
  }

  /// Floats of the packed panels that are multiplied with some rows before the next rows: they stay
  /// in the cache.
  private static let packedFloats = 1 << 17

  /// `y = x B + b`, some panels of columns at a time.
  ///
  /// - Parameter pack: writes the given columns of B, `[inner, panel]`.
  private static func multiply(
    _ x: Tensor, _ rows: Int, _ columns: Int, _ inner: Int, _ bias: Tensor?,
    into y: UnsafeMutablePointer<Float>, pack: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let size = inner * panel
    // Neighbouring panels write to the same rows; there are at least eight parts for threads.
    let together = max(1, min(packedFloats / size, columns / panel / 8))
    Parallel.ranges(columns, grain: together * panel) { part in
      let panels = stride(from: part.lowerBound, to: part.upperBound, by: panel).map {
        $0..<min($0 + panel, part.upperBound)
      }
      let packed = Storage(count: panels.count * size)
      for (index, columns) in panels.enumerated() { pack(columns, packed.pointer + index * size) }
      for first in stride(from: 0, to: rows, by: rowsTogether) {
        for (index, part) in panels.enumerated() {
          ck_linear_panel(
            x.storage.pointer + first * inner, inner, packed.pointer + index * size,
            bias.map { $0.storage.pointer + part.lowerBound },
            y + first * columns + part.lowerBound, columns,
            min(rowsTogether, rows - first), part.count, inner)
        }
      }
    }
  }

  /// The weight is the larger factor: each thread takes a part of it.
  private static func multiplyFew(
    _ x: Tensor, _ rows: Int, _ weight: Weight, _ bias: Tensor?,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    if let bias {
      for row in 0..<rows {
        (y + row * columns).update(from: bias.storage.pointer, count: columns)
      }
    }
    Parallel.ranges(columns, grain: max(96, (columns + 15) / 16)) { part in
      weight.withFloats(part.lowerBound * inner..<part.upperBound * inner) { weight in
        Matrix.multiply(
          Matrix(x.storage.pointer, stride: inner),
          Matrix(weight, stride: inner, transposed: true), into: y + part.lowerBound,
          outputStride: columns, rows: rows, columns: part.count, inner: inner,
          beta: bias == nil ? 0 : 1)
      }
    }
  }

  static func linearPullback(_ gradient: Tensor, _ weight: Weight, _ shape: [Int]) -> Tensor {
    defer { weight.release() }
    let (inner, columns) = (weight.shape[0], weight.shape[1])
    let rows = gradient.count / max(inner, 1)
    return Tensor(shape: shape) { dx in
      if rows >= rowsToPackFor {
        return multiply(gradient, rows, columns, inner, nil, into: dx) { part, packed in
          weight.withRows(0..<inner, part) { source, stride in
            packed.update(repeating: 0, count: inner * panel)
            for row in 0..<inner {
              (packed + row * panel).update(from: source + row * stride, count: part.count)
            }
          }
        }
      }
      weight.withFloats { weight in
        Matrix.multiplyInParallel(
          Matrix(gradient.storage.pointer, stride: inner), Matrix(weight, stride: columns),
          into: dx, outputStride: columns, rows: rows, columns: columns, inner: inner)
      }
    }
  }
}
