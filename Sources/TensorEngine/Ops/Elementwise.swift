private import Glibc

// Functions that are made of the operations, and take their gradients from them.

extension Tensor {
  /// The difference of two tensors; the second may lack leading axes, over which it is repeated.
  public static func - (left: Tensor, right: Tensor) -> Tensor { left + right.affine(scale: -1) }

  /// `eˣ` of each number.
  public var exponential: Tensor { activated(.exponential) }

  /// The natural logarithm of each number, which are above 0; see ``floored(at:)``.
  public var logarithm: Tensor { activated(.logarithm) }

  /// The square root of each number, which are above 0.
  public var squareRoot: Tensor { logarithm.affine(scale: 0.5).exponential }

  /// Each number, or 0 where it is below; the slope at 0 is 0.
  public var rectified: Tensor { activated(.relu) }

  /// Each number's distance from 0; the slope at 0 is 0.
  public var magnitude: Tensor { rectified + affine(scale: -1).rectified }

  /// −1, 0 or 1, as each number is below, at or above 0; without a gradient.
  package var signs: Tensor {
    Tensor(values.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, shape: shape)
  }

  /// The hyperbolic tangent of each number; without a gradient.
  package var hyperbolicTangent: Tensor { Tensor(values.map { tanh($0) }, shape: shape) }

  /// Each number, or `bound` where it is below, with a slope of 0 there.
  public func floored(at bound: Float) -> Tensor {
    affine(scale: 1, offset: -bound).rectified.affine(scale: 1, offset: bound)
  }

  /// The smaller number of two tensors of one shape, place by place; of two equal ones the first.
  public static func lesser(_ left: Tensor, _ right: Tensor) -> Tensor {
    left - (left - right).rectified
  }

  /// The larger number of two tensors of one shape, place by place; of two equal ones the first.
  public static func greater(_ left: Tensor, _ right: Tensor) -> Tensor {
    left + (right - left).rectified
  }

  /// The sum of tensors of one shape, a scalar 0 if there are none.
  public static func total(_ parts: [Tensor]) -> Tensor {
    parts.dropFirst().reduce(parts.first ?? .scalar(0), +)
  }

  /// The mean of tensors of one shape, a scalar 0 if there are none.
  public static func mean(_ parts: [Tensor]) -> Tensor {
    total(parts).affine(scale: 1 / Float(max(parts.count, 1)))
  }

  /// The largest of scalars, or the first of several.
  /// - Precondition: there is at least one.
  public static func largest(_ scalars: [Tensor]) -> Tensor {
    concatenated(scalars.map { $0.reshaped([1]) }, axis: 0).maximum
  }
}
