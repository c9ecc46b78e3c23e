private import CKernels
private import Glibc

// Unsafe: kernels in C take addresses. They are those of tensors and storages that live as long
// as the operation on them, and the shapes that are checked first bound every index.

/// A function applied to each number by itself.
package enum Activation: String, Sendable, CaseIterable {
  /// `x sigmoid(x)`.
  case silu
  /// `x Φ(x)`, with the normal distribution's Φ exact.
  case gelu
  /// `x sigmoid(1.702 x)`.
  case quickGelu
  /// `max(0, x)`; its slope at 0 is 0.
  case relu
  /// `eˣ`.
  case exponential
  /// The natural logarithm, of numbers above 0.
  case logarithm
}

extension Tensor {
  /// Applies `activation` to each number.
  package func activated(_ activation: Activation) -> Tensor {
    Operation.activation(activation)(self)
  }

  /// The first half of the last axis times the gelu of the second half.
  ///
  /// - Reference: Shazeer, GLU Variants Improve Transformer, arXiv 2002.05202, equation 6.
  package var gatedGelu: Tensor { Operation.gatedGelu(self) }
}

extension Operation {
  private static let grain = 1 << 13

  static func activation(_ x: Tensor, _ activation: Activation) -> Evaluation {
    let output = unsafe Tensor(shape: x.shape) { y in
      Parallel.ranges(x.count, grain: grain) { range in
        let (from, to) = unsafe (x.storage.pointer + range.lowerBound, y + range.lowerBound)
        switch activation {
        case .silu: unsafe ck_silu(from, to, range.count)
        case .gelu: unsafe ck_gelu(from, to, range.count)
        case .quickGelu: unsafe ck_quick_gelu(from, to, range.count)
        case .relu: for i in 0..<range.count { unsafe to[i] = unsafe from[i] < 0 ? 0 : from[i] }
        case .exponential: for i in 0..<range.count { unsafe to[i] = unsafe exp(from[i]) }
        case .logarithm: for i in 0..<range.count { unsafe to[i] = unsafe log(from[i]) }
        }
      }
    }
    return Evaluation(output: output, kept: [x])
  }

  static func activationPullback(
    _ gradient: Tensor, _ activation: Activation, _ x: Tensor
  ) -> Tensor {
    unsafe Tensor(shape: x.shape) { dx in
      Parallel.ranges(x.count, grain: grain) { range in
        let from = unsafe x.storage.pointer + range.lowerBound
        let dy = unsafe gradient.storage.pointer + range.lowerBound
        let to = unsafe dx + range.lowerBound
        switch activation {
        case .silu: unsafe ck_silu_pullback(from, dy, to, range.count)
        case .gelu: unsafe ck_gelu_pullback(from, dy, to, range.count)
        case .quickGelu: unsafe ck_quick_gelu_pullback(from, dy, to, range.count)
        case .relu: for i in 0..<range.count { unsafe to[i] = unsafe from[i] > 0 ? dy[i] : 0 }
        case .exponential: for i in 0..<range.count { unsafe to[i] = unsafe dy[i] * exp(from[i]) }
        case .logarithm: for i in 0..<range.count { unsafe to[i] = unsafe dy[i] / from[i] }
        }
      }
    }
  }

  static func gatedGelu(_ x: Tensor) -> Evaluation {
    guard (x.shape.last ?? 1) % 2 == 0 else { bug("gatedGelu: odd last axis of \(x.shape)") }
    let width = (x.shape.last ?? 0) / 2
    let rows = width == 0 ? 0 : x.count / (2 * width)
    let output = unsafe Tensor(shape: x.shape.dropLast() + [width]) { y in
      Parallel.ranges(rows, grain: max(1, grain / max(width, 1))) { range in
        unsafe ck_geglu_rows(
          x.storage.pointer + 2 * width * range.lowerBound, y + width * range.lowerBound,
          range.count, width)
      }
    }
    return Evaluation(output: output, kept: [x])
  }

  static func gatedGeluPullback(_ gradient: Tensor, _ x: Tensor) -> Tensor {
    let width = (x.shape.last ?? 0) / 2
    return unsafe Tensor(shape: x.shape) { dx in
      Parallel.ranges(gradient.count / max(width, 1), grain: max(1, grain / max(width, 1))) {
        range in
        unsafe ck_geglu_pullback_rows(
          x.storage.pointer + 2 * width * range.lowerBound,
          gradient.storage.pointer + width * range.lowerBound,
          dx + 2 * width * range.lowerBound, range.count, width)
      }
    }
  }
}
