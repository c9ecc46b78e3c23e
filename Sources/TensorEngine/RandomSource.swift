/// A seeded source of normally distributed numbers, such as a starting latent is made of.
public protocol RandomSource: Sendable {
  /// Draws the next `count` numbers of mean 0 and variance 1.
  mutating func normal(count: Int) -> [Float]
}

extension RandomSource {
  /// Draws a tensor of numbers of mean 0 and variance 1, in row-major order.
  public mutating func normal(shape: [Int]) -> Tensor {
    Tensor(normal(count: shape.reduce(1, *)), shape: shape)
  }
}
