private import CKernels

// Queries, keys and values stay as the projections leave them, [batch, position, head · headWidth]:
// a head is a band of columns, which a matrix product reads in place.

extension Tensor {
  /// Scaled scores of these queries against `keys`: `[batch, head, pixel, token]`.
  ///
  /// Queries are `[batch, pixel, width]`, keys `[batch, token, width]`, heads side by side in width.
  package func scores(against keys: Tensor, heads: Int, scale: Float) -> Tensor {
    Operation.scores(heads: heads, scale: scale)(self, keys)
  }

  /// Softmax of `scale` times this over the last axis; each row sums to 1.
  /// - Precondition: `scale` is positive.
  package func softmax(scale: Float = 1) -> Tensor { Operation.softmax(scale: scale)(self) }

  /// These probabilities `[batch, head, pixel, token]` times `values` `[batch, token, width]`.
  package func weighted(_ values: Tensor, heads: Int) -> Tensor {
    Operation.weightedValues(heads: heads)(self, values)
  }

  /// `softmax(scale · q kᵀ) v` in tiles of queries: the probabilities never exist together.
  ///
  /// - Parameter causal: whether a position sees only itself and those before it.
  /// - Reference: Rabe & Staats, Self-attention Does Not Need O(n²) Memory, arXiv 2112.05682.
  package func attention(
    keys: Tensor, values: Tensor, heads: Int, scale: Float, causal: Bool = false
  ) -> Tensor {
    Operation.attention(heads: heads, scale: scale, causal: causal)(self, keys, values)
  }
}

/// The extents of one attention, and where the parts of a head lie.
private struct AttentionGeometry {
  let batch, heads, queries, keys, width: Int
  var headWidth: Int { width / heads }

  init(queries: [Int], keys: [Int], heads: Int) {
    precondition(
      queries.count == 3 && keys.count == 3 && queries[0] == keys[0] && queries[2] == keys[2]
        && queries[2] % heads == 0,
      "attention: queries \(queries), keys \(keys), \(heads) heads")
    (batch, self.heads, self.queries) = (queries[0], heads, queries[1])
    (self.keys, width) = (keys[1], queries[2])
  }

  /// The rows of `[batch, position, width]` that belong to one head of one batch row.
  func head(_ index: Int, of pointer: UnsafeMutablePointer<Float>, positions: Int)
    -> UnsafeMutablePointer<Float>
  {
    pointer + (index / heads) * positions * width + (index % heads) * headWidth
  }

  func matrix(
    _ index: Int, of tensor: Tensor, positions: Int, from row: Int = 0, transposed: Bool = false
  ) -> Matrix {
    Matrix(
      head(index, of: tensor.storage.pointer, positions: positions) + row * width, stride: width,
      transposed: transposed)
  }

  /// The map of one head of one batch row in `[batch, head, query, key]`.
  func map(_ index: Int, of tensor: Tensor, transposed: Bool = false) -> Matrix {
    Matrix(
      tensor.storage.pointer + index * queries * keys, stride: keys, transposed: transposed)
  }
}

extension Operation {
  static func scores(_ q: Tensor, _ k: Tensor, _ heads: Int, _ scale: Float) -> Evaluation {
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    let output = Tensor(shape: [shape.batch, heads, shape.queries, shape.keys]) { y in
      Parallel.forEach(shape.batch * heads) { head in
        Matrix.multiply(
          shape.matrix(head, of: q, positions: shape.queries),
          shape.matrix(head, of: k, positions: shape.keys, transposed: true),
          into: y + head * shape.queries * shape.keys, outputStride: shape.keys,
          rows: shape.queries, columns: shape.keys, inner: shape.headWidth, alpha: scale)
      }
    }
    return Evaluation(output: output, kept: [q, k])
  }

  static func scoresPullback(
    _ gradient: Tensor, _ kept: [Tensor], _ heads: Int, _ scale: Float, _ wanted: [Bool]
  ) -> [Tensor?] {
    let (q, k) = (kept[0], kept[1])
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    func part(_ shapeOut: [Int], rows: Int, inner: Int, byKeys: Bool) -> Tensor {
      Tensor(shape: shapeOut) { dx in
        Parallel.forEach(shape.batch * heads) { head in
          Matrix.multiply(
            shape.map(head, of: gradient, transposed: byKeys),
            shape.matrix(head, of: byKeys ? q : k, positions: inner),
            into: shape.head(head, of: dx, positions: rows), outputStride: shape.width,
            rows: rows, columns: shape.headWidth, inner: inner, alpha: scale)
        }
      }
    }
    return [
      wanted[0] ? part(q.shape, rows: shape.queries, inner: shape.keys, byKeys: false) : nil,
      wanted[1] ? part(k.shape, rows: shape.keys, inner: shape.queries, byKeys: true) : nil,
    ]
  }

  static func softmax(_ x: Tensor, _ scale: Float) -> Evaluation {
    precondition(scale > 0, "softmax: scale \(scale)")
    let columns = x.shape.last ?? 1
    let output = Tensor(shape: x.shape) { y in
      Parallel.ranges(x.count / max(columns, 1), grain: max(1, 8192 / max(columns, 1))) { range in
        let offset = range.lowerBound * columns
        ck_softmax_rows(x.storage.pointer + offset, y + offset, range.count, columns, scale)
      }
    }
    return Evaluation(output: output, kept: [output])
  }

  static func softmaxPullback(_ gradient: Tensor, _ y: Tensor, _ scale: Float) -> Tensor {
    let columns = y.shape.last ?? 1
    return Tensor(shape: y.shape) { dx in
      Parallel.ranges(y.count / max(columns, 1), grain: max(1, 8192 / max(columns, 1))) { range in
        let offset = range.lowerBound * columns
        ck_softmax_pullback_rows(
          y.storage.pointer + offset, gradient.storage.pointer + offset, dx + offset, range.count,
          columns, scale)
      }
    }
  }

  static func weightedValues(_ p: Tensor, _ v: Tensor, _ heads: Int) -> Evaluation {
    precondition(
      p.rank == 4 && v.rank == 3 && p.shape[0] == v.shape[0] && p.shape[1] == heads
        && p.shape[3] == v.shape[1],
      "weightedValues: probabilities \(p.shape), values \(v.shape), \(heads) heads")
    let outputShape = [p.shape[0], p.shape[2], v.shape[2]]
    let shape = AttentionGeometry(queries: outputShape, keys: v.shape, heads: heads)
    let output = Tensor(shape: outputShape) { y in
      Parallel.forEach(shape.batch * heads) { head in
        Matrix.multiply(
          shape.map(head, of: p), shape.matrix(head, of: v, positions: shape.keys),
          into: shape.head(head, of: y, positions: shape.queries), outputStride: shape.width,
          rows: shape.queries, columns: shape.headWidth, inner: shape.keys)
      }
    }
    return Evaluation(output: output, kept: [p, v])
  }

  static func weightedValuesPullback(
    _ gradient: Tensor, _ kept: [Tensor], _ heads: Int, _ wanted: [Bool]
  ) -> [Tensor?] {
    let (p, v) = (kept[0], kept[1])
    let shape = AttentionGeometry(queries: gradient.shape, keys: v.shape, heads: heads)
    let toProbabilities =
      wanted[0]
      ? Tensor(shape: p.shape) { dp in
        Parallel.forEach(shape.batch * heads) { head in
          Matrix.multiply(
            shape.matrix(head, of: gradient, positions: shape.queries),
            shape.matrix(head, of: v, positions: shape.keys, transposed: true),
            into: dp + head * shape.queries * shape.keys, outputStride: shape.keys,
            rows: shape.queries, columns: shape.keys, inner: shape.headWidth)
        }
      } : nil
    let toValues =
      wanted[1]
      ? Tensor(shape: v.shape) { dv in
        Parallel.forEach(shape.batch * heads) { head in
          Matrix.multiply(
            shape.map(head, of: p, transposed: true),
            shape.matrix(head, of: gradient, positions: shape.queries),
            into: shape.head(head, of: dv, positions: shape.keys), outputStride: shape.width,
            rows: shape.keys, columns: shape.headWidth, inner: shape.queries)
        }
      } : nil
    return [toProbabilities, toValues]
  }
}

// MARK: - In tiles

extension Operation {
  /// Queries whose probabilities exist at a time, for one head.
  private static let tile = 128

  static func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ heads: Int, _ scale: Float, _ causal: Bool
  ) -> Evaluation {
    precondition(
      k.shape == v.shape && scale > 0,
      "attention: keys \(k.shape), values \(v.shape), scale \(scale)")
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    let tiles = (shape.queries + tile - 1) / tile
    let output = Tensor(shape: q.shape) { y in
      Parallel.forEach(shape.batch * heads * tiles) { index in
        let (head, first) = (index / tiles, index % tiles * tile)
        let rows = min(tile, shape.queries - first)
        let map = probabilities(q, k, shape, head, first, rows, scale, causal)
        Matrix.multiply(
          Matrix(map.pointer, stride: shape.keys), shape.matrix(head, of: v, positions: shape.keys),
          into: shape.head(head, of: y, positions: shape.queries) + first * shape.width,
          outputStride: shape.width, rows: rows, columns: shape.headWidth, inner: shape.keys)
      }
    }
    return Evaluation(output: output, kept: [q, k, v])
  }

  /// The probabilities of `rows` queries from `first` on, `[row, key]`.
  private static func probabilities(
    _ q: Tensor, _ k: Tensor, _ shape: AttentionGeometry, _ head: Int, _ first: Int, _ rows: Int,
    _ scale: Float, _ causal: Bool
  ) -> Storage {
    let map = Storage(count: rows * shape.keys)
    Matrix.multiply(
      shape.matrix(head, of: q, positions: shape.queries, from: first),
      shape.matrix(head, of: k, positions: shape.keys, transposed: true),
      into: map.pointer, outputStride: shape.keys, rows: rows, columns: shape.keys,
      inner: shape.headWidth)
    if causal {
      for row in 0..<rows {
        for key in min(first + row + 1, shape.keys)..<shape.keys {
          map.pointer[row * shape.keys + key] = -.infinity
        }
      }
    }
    ck_softmax_rows(map.pointer, map.pointer, rows, shape.keys, scale)
    return map
  }

  /// The tiles' probabilities are computed again: keeping them would take pixels² for every head.
  static func attentionPullback(
    _ gradient: Tensor, _ kept: [Tensor], _ heads: Int, _ scale: Float, _ causal: Bool
  ) -> [Tensor?] {
    let (q, k, v) = (kept[0], kept[1], kept[2])
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    let dq = Storage(count: q.count)
    let dk = Storage(count: k.count)
    let dv = Storage(count: v.count)
    Parallel.forEach(shape.batch * heads) { head in
      let headWidth = shape.headWidth
      for first in stride(from: 0, to: shape.queries, by: tile) {
        let rows = min(tile, shape.queries - first)
        let beta: Float = first == 0 ? 0 : 1
        let map = probabilities(q, k, shape, head, first, rows, scale, causal)
        let slope = Storage(count: map.count)
        let dy = shape.matrix(head, of: gradient, positions: shape.queries, from: first)
        Matrix.multiply(
          dy, shape.matrix(head, of: v, positions: shape.keys, transposed: true),
          into: slope.pointer, outputStride: shape.keys, rows: rows, columns: shape.keys,
          inner: headWidth)
        ck_softmax_pullback_rows(
          map.pointer, slope.pointer, slope.pointer, rows, shape.keys, scale)
        Matrix.multiply(
          Matrix(map.pointer, stride: shape.keys, transposed: true), dy,
          into: shape.head(head, of: dv.pointer, positions: shape.keys),
          outputStride: shape.width, rows: shape.keys, columns: headWidth, inner: rows, beta: beta)
        Matrix.multiply(
          Matrix(slope.pointer, stride: shape.keys),
          shape.matrix(head, of: k, positions: shape.keys),
          into: shape.head(head, of: dq.pointer, positions: shape.queries) + first * shape.width,
          outputStride: shape.width, rows: rows, columns: headWidth, inner: shape.keys)
        Matrix.multiply(
          Matrix(slope.pointer, stride: shape.keys, transposed: true),
          shape.matrix(head, of: q, positions: shape.queries, from: first),
          into: shape.head(head, of: dk.pointer, positions: shape.keys),
          outputStride: shape.width, rows: shape.keys, columns: headWidth, inner: rows, beta: beta)
      }
    }
    return [
      Tensor(storage: dq, shape: q.shape), Tensor(storage: dk, shape: k.shape),
      Tensor(storage: dv, shape: v.shape),
    ]
  }
}
