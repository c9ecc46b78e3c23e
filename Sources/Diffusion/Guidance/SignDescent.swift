public import AttentionTrace
public import TensorEngine

/// Moves the latent by a constant against the sign of a loss's gradient.
///
/// - Reference: JEDI, arXiv 2505.19166; github.com/ericbill21/JEDI `pipeline.py`.
public struct SignDescent: LatentGuide {
  public let objective: any AttentionObjective
  /// How far each number moves, by iteration; the latent stays after the last.
  package let steps: [Float]

  public func acts(at step: Int) -> Bool { step < steps.count }

  public func guide(
    _ latent: Tensor, step: Int, of count: Int, memory: inout [String: Tensor],
    look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor {
    let signs = try look(latent, .loss, 0).gradient().signs
    return .combination(1, latent, -steps[step], signs)
  }
}
