public import AttentionTrace
public import TensorEngine

/// Says when, and how far, the latent moves before the noise is predicted.
///
/// A guide is a value: what it knows of the iterations before is handed to it, and kept with the run.
public protocol LatentGuide: Sendable {
  /// The loss it follows.
  var objective: any AttentionObjective { get }

  /// How the latent of a look is given to the UNet; ``LossInput/scaled`` unless it says otherwise.
  var lossInput: LossInput { get }

  /// Whether it looks at the latent at iteration `step`.
  func acts(at step: Int) -> Bool

  /// The latent as iteration `step` uses it.
  ///
  /// - Parameters:
  ///   - latent: `[1, 4, row, column]`.
  ///   - step: the scheduler's iteration, from 0.
  ///   - count: how many iterations there are.
  ///   - memory: what it remembers of the iterations before, with the names and shapes of
  ///     ``memoryShapes``; empty at first. A run that resumes goes on with it.
  ///   - look: runs the UNet as far as the objective reads; takes a latent, what the look is for,
  ///     and the try of refinement (for a loss: the tries before it).
  /// - Throws: what `look` throws.
  func guide(
    _ latent: Tensor, step: Int, of count: Int, memory: inout [String: Tensor],
    look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor

  /// Names and shapes of what it may remember; empty unless it says otherwise.
  var memoryShapes: [String: [Int]] { get }
}

extension LatentGuide {
  public var memoryShapes: [String: [Int]] { [:] }
  public var lossInput: LossInput { .scaled }
}
