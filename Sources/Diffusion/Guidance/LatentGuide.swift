public import AttentionTrace
public import TensorEngine

/// Says when, and how far, the latent moves before the noise is predicted.
public protocol LatentGuide: Sendable {
  /// The loss it follows.
  var objective: any AttentionObjective { get }

  /// Whether it looks at the latent at iteration `step`.
  func acts(at step: Int) -> Bool

  /// The latent as iteration `step` shall use it.
  ///
  /// - Parameters:
  ///   - latent: `[1, 4, row, column]`.
  ///   - step: the scheduler's iteration, from 0.
  ///   - count: how many iterations there are.
  ///   - look: runs the UNet as far as the objective reads; takes a latent, what the look is for,
  ///     and the try of refinement (for a loss: the tries before it).
  /// - Throws: what `look` throws.
  func guide(
    _ latent: Tensor, step: Int, of count: Int,
    look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor

  /// What it remembers of the iterations before, by name; a run that is cut off keeps it.
  var memory: [String: Tensor] { get }

  /// Takes back what it remembered.
  /// - Throws: ``DiffusionError`` when that is none of its memories.
  func recall(_ memory: [String: Tensor]) throws
}

extension LatentGuide {
  /// Nothing.
  public var memory: [String: Tensor] { [:] }
  /// Remembers nothing.
  public func recall(_ memory: [String: Tensor]) throws {}
}
