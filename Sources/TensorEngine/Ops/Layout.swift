private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

extension Tensor {
  /// The same numbers in another shape.
  public func reshaped(_ shape: [Int]) -> Tensor { Operation.reshape(shape)(self) }

  /// The last two axes exchanged.
  public var transposed: Tensor { Operation.transpose(self) }

  /// Tensors one after the other along `axis`; all other extents agree.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    parts.count == 1 ? parts[0] : Operation.concatenate(axis: axis)(parts)
  }

  /// The part of `axis` inside `range`.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    range == 0..<shape[axis] ? self : Operation.slice(axis: axis, range: range)(self)
  }
}

extension Operation {
  static func reshape(_ x: Tensor, _ shape: [Int]) -> Evaluation {
    guard shape.reduce(1, *) == x.count else { bug("reshape: \(x.shape) to \(shape)") }
    return Evaluation(output: Tensor(storage: x.storage, shape: shape))
  }

  static func transpose(_ x: Tensor) -> Evaluation {
    guard x.rank >= 2 else { bug("transpose: \(x.shape)") }
    let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
    let size = rows * columns
    let output = unsafe Tensor(shape: x.shape.dropLast(2) + [columns, rows]) { y in
      for matrix in 0..<(size == 0 ? 0 : x.count / size) {
        // Blocks that fit the cache: whole rows on one side would be whole columns on the other.
        Parallel.ranges(rows, grain: 64) { block in
          let (from, to) = unsafe (x.storage.pointer + matrix * size, y + matrix * size)
          for left in stride(from: 0, to: columns, by: 16) {
            for row in block {
              for column in left..<min(left + 16, columns) {
                unsafe to[column &* rows &+ row] = unsafe from[row &* columns &+ column]
              }
            }
          }
        }
      }
    }
    return Evaluation(output: output)
  }

  /// How `axis` cuts a shape: what is before it, and the floats of one step along it.
  private static func cut(_ shape: [Int], _ axis: Int) -> (outer: Int, inner: Int) {
    (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
  }

  static func concatenate(_ parts: [Tensor], _ axis: Int) -> Evaluation {
    var shape = parts[0].shape
    shape[axis] = 0
    for part in parts {
      var rest = part.shape
      rest[axis] = 0
      var agreed = shape
      agreed[axis] = 0
      guard rest == agreed else { bug("concatenate along \(axis): \(parts.map(\.shape))") }
      shape[axis] += part.shape[axis]
    }
    let (outer, inner) = cut(shape, axis)
    let length = shape[axis] * inner
    let output = unsafe Tensor(shape: shape) { y in
      var offset = 0
      for part in parts {
        let size = part.shape[axis] * inner
        unsafe Parallel.copy(
          part.storage.pointer, stride: size, to: y + offset, stride: length, rows: outer,
          count: size)
        offset += size
      }
    }
    return Evaluation(output: output)
  }

  static func concatenatePullback(
    _ gradient: Tensor, _ shapes: [[Int]], _ axis: Int, _ wanted: [Bool]
  ) -> [Tensor?] {
    var start = 0
    return zip(shapes, wanted).map { shape, wanted in
      let range = start..<start + shape[axis]
      start = range.upperBound
      return wanted ? slice(gradient, axis, range).output : nil
    }
  }

  static func slice(_ x: Tensor, _ axis: Int, _ range: Range<Int>) -> Evaluation {
    guard range.lowerBound >= 0 && range.upperBound <= x.shape[axis] else {
      bug("slice: \(range) of axis \(axis) of \(x.shape)")
    }
    var shape = x.shape
    shape[axis] = range.count
    let (outer, inner) = cut(x.shape, axis)
    let (length, size) = (x.shape[axis] * inner, range.count * inner)
    let output = unsafe Tensor(shape: shape) { y in
      unsafe Parallel.copy(
        x.storage.pointer + range.lowerBound * inner, stride: length, to: y, stride: size,
        rows: outer, count: size)
    }
    return Evaluation(output: output)
  }

  static func slicePullback(
    _ gradient: Tensor, _ shape: [Int], _ axis: Int, _ range: Range<Int>
  ) -> Tensor {
    let (outer, inner) = cut(shape, axis)
    let (length, size) = (shape[axis] * inner, range.count * inner)
    return unsafe Tensor(shape: shape) { dx in
      unsafe Parallel.zero(dx, count: outer * length)
      unsafe Parallel.copy(
        gradient.storage.pointer, stride: size, to: dx + range.lowerBound * inner, stride: length,
        rows: outer, count: size)
    }
  }
}
