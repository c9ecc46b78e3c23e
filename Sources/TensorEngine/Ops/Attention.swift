private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

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
  public func softmax(scale: Float = 1) -> Tensor { Operation.softmax(scale: scale)(self) }

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
    guard
      queries.count == 3 && keys.count == 3 && queries[0] == keys[0] && queries[2] == keys[2]
        && queries[2] % heads == 0
    else { bug("attention: queries \(queries), keys \(keys), \(heads) heads") }
    (batch, self.heads, self.queries) = (queries[0], heads, queries[1])
    (self.keys, width) = (keys[1], queries[2])
  }

  /// The rows of `[batch, position, width]` that belong to one head of one batch row.
  func head(_ index: Int, of pointer: UnsafeMutablePointer<Float>, positions: Int)
    -> UnsafeMutablePointer<Float>
  {
    unsafe pointer + (index / heads) * positions * width + (index % heads) * headWidth
  }

  func matrix(
    _ index: Int, of tensor: Tensor, positions: Int, from row: Int = 0, transposed: Bool = false
  ) -> Matrix {
    unsafe Matrix(
      head(index, of: tensor.storage.pointer, positions: positions) + row * width, stride: width,
      transposed: transposed)
  }

  /// The map of one head of one batch row in `[batch, head, query, key]`.
  func map(_ index: Int, of tensor: Tensor, transposed: Bool = false) -> Matrix {
    unsafe Matrix(
      tensor.storage.pointer + index * queries * keys, stride: keys, transposed: transposed)
  }
}

extension Operation {
  static func scores(_ q: Tensor, _ k: Tensor, _ heads: Int, _ scale: Float) -> Evaluation {
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    let output = unsafe Tensor(shape: [shape.batch, heads, shape.queries, shape.keys]) { y in
      Parallel.forEach(shape.batch * heads) { head in
        let (map, count) = unsafe (
          y + head * shape.queries * shape.keys, shape.queries * shape.keys
        )
        unsafe Matrix.multiply(
          shape.matrix(head, of: q, positions: shape.queries),
          shape.matrix(head, of: k, positions: shape.keys, transposed: true), into: map,
          outputStride: shape.keys, rows: shape.queries, columns: shape.keys,
          inner: shape.headWidth)
        unsafe ck_affine(map, map, count, scale, 0)
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
      unsafe Tensor(shape: shapeOut) { dx in
        Parallel.forEach(shape.batch * heads) { head in
          let target = unsafe shape.head(head, of: dx, positions: rows)
          unsafe Matrix.multiply(
            shape.map(head, of: gradient, transposed: byKeys),
            shape.matrix(head, of: byKeys ? q : k, positions: inner), into: target,
            outputStride: shape.width, rows: rows, columns: shape.headWidth, inner: inner)
          for row in 0..<rows {
            let part = unsafe target + row * shape.width
            unsafe ck_affine(part, part, shape.headWidth, scale, 0)
          }
        }
      }
    }
    return [
      wanted[0] ? part(q.shape, rows: shape.queries, inner: shape.keys, byKeys: false) : nil,
      wanted[1] ? part(k.shape, rows: shape.keys, inner: shape.queries, byKeys: true) : nil,
    ]
  }

  static func softmax(_ x: Tensor, _ scale: Float) -> Evaluation {
    guard scale > 0 else { bug("softmax: scale \(scale)") }
    let columns = x.shape.last ?? 1
    let output = unsafe Tensor(shape: x.shape) { y in
      Parallel.ranges(x.count / max(columns, 1), grain: max(1, 8192 / max(columns, 1))) { range in
        let offset = range.lowerBound * columns
        unsafe ck_softmax_rows(x.storage.pointer + offset, y + offset, range.count, columns, scale)
      }
    }
    return Evaluation(output: output, kept: [output])
  }

  static func softmaxPullback(_ gradient: Tensor, _ y: Tensor, _ scale: Float) -> Tensor {
    let columns = y.shape.last ?? 1
    return unsafe Tensor(shape: y.shape) { dx in
      Parallel.ranges(y.count / max(columns, 1), grain: max(1, 8192 / max(columns, 1))) { range in
        let offset = range.lowerBound * columns
        unsafe ck_softmax_pullback_rows(
          y.storage.pointer + offset, gradient.storage.pointer + offset, dx + offset, range.count,
          columns, scale)
      }
    }
  }

  static func weightedValues(_ p: Tensor, _ v: Tensor, _ heads: Int) -> Evaluation {
    guard
      p.rank == 4 && v.rank == 3 && p.shape[0] == v.shape[0] && p.shape[1] == heads
        && p.shape[3] == v.shape[1]
    else { bug("weightedValues: probabilities \(p.shape), values \(v.shape), \(heads) heads") }
    let outputShape = [p.shape[0], p.shape[2], v.shape[2]]
    let shape = AttentionGeometry(queries: outputShape, keys: v.shape, heads: heads)
    let output = unsafe Tensor(shape: outputShape) { y in
      Parallel.forEach(shape.batch * heads) { head in
        unsafe Matrix.multiply(
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
      unsafe wanted[0]
      ? Tensor(shape: p.shape) { dp in
        Parallel.forEach(shape.batch * heads) { head in
          unsafe Matrix.multiply(
            shape.matrix(head, of: gradient, positions: shape.queries),
            shape.matrix(head, of: v, positions: shape.keys, transposed: true),
            into: dp + head * shape.queries * shape.keys, outputStride: shape.keys,
            rows: shape.queries, columns: shape.keys, inner: shape.headWidth)
        }
      } : nil
    let toValues =
      unsafe wanted[1]
      ? Tensor(shape: v.shape) { dv in
        Parallel.forEach(shape.batch * heads) { head in
          unsafe Matrix.multiply(
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

extension AttentionGeometry {
  /// Queries whose probabilities exist at a time, for one head.
  static let tile = CK_TILE

  /// Floats of one head's packed keys or values.
  private var packedCount: Int {
    let panel = CK_PANEL
    return (keys + panel - 1) / panel * ck_panel_size(headWidth)
  }

  func kernel(scale: Float, causal: Bool) -> ck_attention {
    ck_attention(
      keys: keys, width: headWidth, stride: width, scale: scale, causal: causal ? 1 : 0)
  }

  /// Keys or values of every head, packed for products with queries.
  func packed(_ tensor: Tensor) -> Storage {
    let packed = Storage(count: batch * heads * packedCount)
    Parallel.forEach(batch * heads) { index in
      unsafe ck_pack(
        head(index, of: tensor.storage.pointer, positions: keys), width, keys, headWidth,
        packed.pointer + index * packedCount)
    }
    return packed
  }

  func packed(_ index: Int, of storage: Storage) -> UnsafeMutablePointer<Float> {
    unsafe storage.pointer + index * packedCount
  }
}

extension Operation {
  static func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ heads: Int, _ scale: Float, _ causal: Bool
  ) -> Evaluation {
    guard k.shape == v.shape && scale > 0 else {
      bug("attention: keys \(k.shape), values \(v.shape), scale \(scale)")
    }
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    let tile = AttentionGeometry.tile
    let tiles = (shape.queries + tile - 1) / tile
    let keys = shape.packed(k)
    let stats = Storage(count: 2 * shape.batch * heads * shape.queries)
    let output = unsafe Tensor(shape: q.shape) { y in
      Parallel.forEach(shape.batch * heads * tiles) { index in
        let (head, first) = (index / tiles, index % tiles * tile)
        var kernel = shape.kernel(scale: scale, causal: causal)
        let scratch = Storage(count: CK_ATTENTION_SCRATCH)
        unsafe ck_attention_tile(
          &kernel,
          shape.head(head, of: q.storage.pointer, positions: shape.queries) + first * shape.width,
          shape.packed(head, of: keys),
          shape.head(head, of: v.storage.pointer, positions: shape.keys),
          shape.head(head, of: y, positions: shape.queries) + first * shape.width,
          stats.pointer + 2 * (head * shape.queries + first), first,
          min(tile, shape.queries - first), scratch.pointer)
      }
    }
    let kept = Tensor(storage: stats, shape: [shape.batch, heads, shape.queries, 2])
    return Evaluation(output: output, kept: [q, k, v, output, kept])
  }

  /// The tiles' probabilities are computed again: keeping them would take pixels² for every head.
  static func attentionPullback(
    _ gradient: Tensor, _ kept: [Tensor], _ heads: Int, _ scale: Float, _ causal: Bool
  ) -> [Tensor?] {
    let (q, k, v, y, stats) = (kept[0], kept[1], kept[2], kept[3], kept[4])
    let shape = AttentionGeometry(queries: q.shape, keys: k.shape, heads: heads)
    let (packedKeys, packedValues) = (shape.packed(k), shape.packed(v))
    // Each half of a head's queries has sums of its own for what all of them add to.
    let halves = shape.queries >= 512 ? 2 : 1
    let half = (shape.queries + halves - 1) / halves
    let dq = Storage(count: q.count)
    let (dks, dvs) = (zeros(halves * k.count), zeros(halves * v.count))
    Parallel.forEach(shape.batch * heads * halves) { index in
      let (head, part) = (index / halves, index % halves)
      var kernel = shape.kernel(scale: scale, causal: causal)
      let scratch = Storage(count: CK_ATTENTION_SCRATCH)
      let end = min((part + 1) * half, shape.queries)
      for first in stride(from: part * half, to: end, by: AttentionGeometry.tile) {
        func rows(_ pointer: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
          unsafe shape.head(head, of: pointer, positions: shape.queries) + first * shape.width
        }
        unsafe ck_attention_tile_pullback(
          &kernel, rows(q.storage.pointer),
          shape.head(head, of: k.storage.pointer, positions: shape.keys),
          shape.packed(head, of: packedKeys), shape.packed(head, of: packedValues),
          rows(y.storage.pointer), rows(gradient.storage.pointer),
          stats.storage.pointer + 2 * (head * shape.queries + first), rows(dq.pointer),
          shape.head(head, of: dks.pointer + part * k.count, positions: shape.keys),
          shape.head(head, of: dvs.pointer + part * v.count, positions: shape.keys), first,
          min(AttentionGeometry.tile, end - first), scratch.pointer)
      }
    }
    return [
      Tensor(storage: dq, shape: q.shape), sum(dks, halves, k.shape), sum(dvs, halves, v.shape),
    ]
  }

  private static func zeros(_ count: Int) -> Storage {
    let storage = Storage(count: count)
    unsafe Parallel.zero(storage.pointer, count: count)
    return storage
  }

  /// The sum of tensors of `shape` that lie one after the other.
  private static func sum(_ parts: Storage, _ count: Int, _ shape: [Int]) -> Tensor {
    let all = Tensor(storage: parts, shape: [count] + shape)
    guard count > 1 else { return reshape(all, shape).output }
    let halves = (0..<2).map { reshape(slice(all, 0, $0..<$0 + 1).output, shape).output }
    return add(halves[0], halves[1]).output
  }
}
