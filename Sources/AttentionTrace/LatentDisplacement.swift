/// How far the latent was moved between a step's beginning and the prediction of its noise.
public struct LatentDisplacement: Hashable, Sendable, Codable {
  /// The Euclidean norm of the difference; 0 where the latent stayed.
  public let norm: Float
  /// The Euclidean norm of the latent as the step found it.
  public let latentNorm: Float

  /// A displacement of `norm` from a latent of `latentNorm`, both Euclidean.
  public init(norm: Float, latentNorm: Float) {
    self.norm = norm
    self.latentNorm = latentNorm
  }

  /// Whether the latent was moved at all.
  public var isMove: Bool { norm > 0 }

  /// The displacement as a share of the latent.
  public var relative: Float { norm / latentNorm }
}
