private import CKernels

/// The weights of a gated feed-forward layer.
package struct FeedForwardWeights: Sendable {
  /// To value and gate, `[2 · hidden, width]`.
  package let expand: Weight
  /// Shape `[2 · hidden]`.
  package let expandBias: Tensor?
  /// Back again, `[width, hidden]`.
  package let contract: Weight
  /// Shape `[width]`.
  package let contractBias: Tensor?

  package init(
    expand: Weight, expandBias: Tensor?, contract: Weight, contractBias: Tensor?
  ) {
    self.expand = expand
    self.expandBias = expandBias
    self.contract = contract
    self.contractBias = contractBias
  }

  var hidden: Int { contract.shape[1] }
  var width: Int { contract.shape[0] }
}

extension Tensor {
  /// A gated feed-forward layer over the last axis: `(value · gelu(gate)) Wᵀ + b`, where value and
  /// gate are a linear layer of this.
  ///
  /// Some rows are taken at a time: the layer's hidden numbers, eight times as many as it is given,
  /// never exist together, and the pullback computes them again.
  ///
  /// - Reference: Shazeer, GLU Variants Improve Transformer, arXiv 2002.05202, equation 6;
  ///   diffusers `models/attention.py`, `FeedForward`.
  package func feedForward(_ weights: FeedForwardWeights) -> Tensor {
    Operation.feedForward(weights)(self)
  }
}

extension Operation {
  /// Rows taken at a time.
  private static let rowsTogether = 1024

  static func feedForward(_ x: Tensor, _ weights: FeedForwardWeights) -> Evaluation {
    requireFeedForward(x.shape, weights)
    defer { release(weights) }
    let output = Tensor(shape: x.shape) { y in
      forBlocks(x, weights) { expand, contract, rows in
        let (_, gated) = hidden(x, weights, expand, rows)
        rowsTimes(
          Matrix(gated.pointer, stride: weights.hidden), contract, weights.contractBias,
          into: y + rows.lowerBound * weights.width, rows: rows.count, columns: weights.width,
          inner: weights.hidden)
      }
    }
    return Evaluation(output: output, kept: [x])
  }

  static func feedForwardPullback(
    _ gradient: Tensor, _ weights: FeedForwardWeights, _ x: Tensor
  ) -> Tensor {
    defer { release(weights) }
    let (hidden, width) = (weights.hidden, weights.width)
    return Tensor(shape: x.shape) { dx in
      forBlocks(x, weights) { expand, contract, rows in
        let (expanded, slope) = self.hidden(x, weights, expand, rows)
        Matrix.multiplyInParallel(
          Matrix(gradient.storage.pointer + rows.lowerBound * width, stride: width),
          Matrix(contract, stride: hidden), into: slope.pointer, outputStride: hidden,
          rows: rows.count, columns: hidden, inner: width)
        let slopes = Storage(count: 2 * hidden * rows.count)
        Parallel.ranges(rows.count, grain: 16) { part in
          let first = part.lowerBound
          ck_geglu_pullback_rows(
            expanded.pointer + 2 * hidden * first, slope.pointer + hidden * first,
            slopes.pointer + 2 * hidden * first, part.count, hidden)
        }
        Matrix.multiplyInParallel(
          Matrix(slopes.pointer, stride: 2 * hidden), Matrix(expand, stride: width),
          into: dx + rows.lowerBound * width, outputStride: width, rows: rows.count,
          columns: width, inner: 2 * hidden)
      }
    }
  }

  private static func requireFeedForward(_ shape: [Int], _ weights: FeedForwardWeights) {
    requireLinear(shape, weights.expand, weights.expandBias)
    requireLinear([weights.hidden], weights.contract, weights.contractBias)
    precondition(
      weights.expand.shape[0] == 2 * weights.hidden && weights.width == weights.expand.shape[1],
      "feedForward: \(weights.expand.shape), then \(weights.contract.shape)")
  }

  private static func forBlocks(
    _ x: Tensor, _ weights: FeedForwardWeights,
    _ body: (UnsafePointer<Float>, UnsafePointer<Float>, Range<Int>) -> Void
  ) {
    let rows = x.count / weights.width
    weights.expand.withFloats { expand in
      weights.contract.withFloats { contract in
        for first in stride(from: 0, to: rows, by: rowsTogether) {
          body(expand, contract, first..<min(first + rowsTogether, rows))
        }
      }
    }
  }

  /// Value and gate of some rows, `[row, 2 · hidden]`, and the gated values, `[row, hidden]`.
  private static func hidden(
    _ x: Tensor, _ weights: FeedForwardWeights, _ expand: UnsafePointer<Float>, _ rows: Range<Int>
  ) -> (expanded: Storage, gated: Storage) {
    let (hidden, width) = (weights.hidden, weights.width)
    let expanded = Storage(count: rows.count * 2 * hidden)
    let gated = Storage(count: rows.count * hidden)
    rowsTimes(
      Matrix(x.storage.pointer + rows.lowerBound * width, stride: width), expand,
      weights.expandBias, into: expanded.pointer, rows: rows.count, columns: 2 * hidden,
      inner: width)
    Parallel.ranges(rows.count, grain: 16) { part in
      ck_geglu_rows(
        expanded.pointer + 2 * hidden * part.lowerBound, gated.pointer + hidden * part.lowerBound,
        part.count, hidden)
    }
    return (expanded, gated)
  }

  private static func release(_ weights: FeedForwardWeights) {
    weights.expand.release()
    weights.contract.release()
  }
}
