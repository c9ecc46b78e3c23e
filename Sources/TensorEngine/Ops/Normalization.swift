private import CKernels

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

extension Tensor {
  /// Group norm of `[batch, channel, …]`, through SiLU if asked.
  ///
  /// - Parameters:
  ///   - gamma: scale, `[channel]`.
  ///   - beta: offset, `[channel]`.
  ///   - silu: whether the result goes through `x sigmoid(x)`.
  /// - Reference: Wu & He, Group Normalization, ECCV 2018, equation 1.
  package func groupNorm(
    gamma: Tensor, beta: Tensor, groups: Int, epsilon: Float, silu: Bool
  ) -> Tensor {
    Operation.groupNorm(gamma: gamma, beta: beta, groups: groups, epsilon: epsilon, silu: silu)(
      self)
  }

  /// Layer norm over the last axis; `gamma` and `beta` are as long as it.
  package func layerNorm(gamma: Tensor, beta: Tensor, epsilon: Float) -> Tensor {
    Operation.layerNorm(gamma: gamma, beta: beta, epsilon: epsilon)(self)
  }
}

extension Operation {
  /// Numbers that one thread should take at least, below which handing work out costs more.
  private static let grain = 1 << 14

  static func groupNorm(
    _ x: Tensor, _ gamma: Tensor, _ beta: Tensor, _ groups: Int, _ epsilon: Float, _ silu: Bool
  ) -> Evaluation {
    guard
      x.rank >= 2 && x.shape[1] % groups == 0 && gamma.shape == [x.shape[1]]
        && beta.shape == gamma.shape
    else { bug("groupNorm: \(x.shape) in \(groups) groups with scale \(gamma.shape)") }
    let channels = x.shape[1] / groups
    let pixels = x.shape[2...].reduce(1, *)
    let size = channels * pixels
    let stats = Storage(count: 2 * x.shape[0] * groups)
    let output = unsafe Tensor(shape: x.shape) { y in
      Parallel.ranges(x.shape[0] * groups, grain: max(1, grain / max(size, 1))) { range in
        for group in range {
          let first = group % groups * channels
          unsafe ck_group_norm(
            x.storage.pointer + group * size, gamma.storage.pointer + first,
            beta.storage.pointer + first, y + group * size, stats.pointer + 2 * group, channels,
            pixels, epsilon, silu ? 1 : 0)
        }
      }
    }
    return Evaluation(
      output: output,
      kept: [x, Tensor(storage: stats, shape: [x.shape[0], groups, 2])])
  }

  static func groupNormPullback(
    _ gradient: Tensor, _ gamma: Tensor, _ beta: Tensor, _ groups: Int, _ silu: Bool,
    _ kept: [Tensor]
  ) -> Tensor {
    let (x, stats) = (kept[0], kept[1])
    let channels = x.shape[1] / groups
    let pixels = x.shape[2...].reduce(1, *)
    let size = channels * pixels
    return unsafe Tensor(shape: x.shape) { dx in
      Parallel.ranges(x.shape[0] * groups, grain: max(1, grain / max(size, 1))) { range in
        for group in range {
          let first = group % groups * channels
          unsafe ck_group_norm_pullback(
            x.storage.pointer + group * size, gamma.storage.pointer + first,
            beta.storage.pointer + first, gradient.storage.pointer + group * size,
            stats.storage.pointer + 2 * group, dx + group * size, channels, pixels, silu ? 1 : 0)
        }
      }
    }
  }

  static func layerNorm(
    _ x: Tensor, _ gamma: Tensor, _ beta: Tensor, _ epsilon: Float
  ) -> Evaluation {
    guard gamma.rank == 1 && x.shape.last == gamma.count && beta.shape == gamma.shape else {
      bug("layerNorm: \(x.shape) with scale \(gamma.shape)")
    }
    let columns = gamma.count
    let rows = x.count / columns
    let stats = Storage(count: 2 * rows)
    let output = unsafe Tensor(shape: x.shape) { y in
      Parallel.ranges(rows, grain: max(1, grain / columns)) { range in
        let first = range.lowerBound
        unsafe ck_layer_norm_rows(
          x.storage.pointer + first * columns, gamma.storage.pointer, beta.storage.pointer,
          y + first * columns, stats.pointer + 2 * first, range.count, columns, epsilon)
      }
    }
    return Evaluation(output: output, kept: [x, Tensor(storage: stats, shape: [rows, 2])])
  }

  static func layerNormPullback(
    _ gradient: Tensor, _ gamma: Tensor, _ kept: [Tensor]
  ) -> Tensor {
    let (x, stats) = (kept[0], kept[1])
    let columns = gamma.count
    return unsafe Tensor(shape: x.shape) { dx in
      Parallel.ranges(x.count / columns, grain: max(1, grain / columns)) { range in
        let first = range.lowerBound
        unsafe ck_layer_norm_pullback_rows(
          x.storage.pointer + first * columns, gamma.storage.pointer,
          gradient.storage.pointer + first * columns, stats.storage.pointer + 2 * first,
          dx + first * columns, range.count, columns)
      }
    }
  }
}
