public import AttentionTrace
public import TensorEngine

/// Moves the latent down the gradient of a loss, by a schedule.
///
/// Chefer et al., Attend-and-Excite, SIGGRAPH 2023, algorithm 1: `latent` is z_t, and
/// z′_t = z_t − α_t ∇L after an update. Left out because it changes no result: the unused passes of
/// refinement, its first pass (which repeats the one before it), and the look after the last altered
/// iteration.
///
/// - Reference: github.com/yuval-alaluf/Attend-and-Excite `pipeline_attend_and_excite.py`;
///   diffusers `pipeline_stable_diffusion_attend_and_excite.py`.
public struct GradientDescent: LatentGuide {
  /// The loss it follows.
  public let objective: any AttentionObjective
  /// When, how often and how far the latent moves.
  public let schedule: GradientSchedule

  /// Follows `objective` by `schedule`.
  public init(_ objective: any AttentionObjective, _ schedule: GradientSchedule) {
    self.objective = objective
    self.schedule = schedule
  }

  public var lossInput: LossInput { schedule.lossInput }

  /// Whether iteration `step` alters the latent or has a threshold.
  public func acts(at step: Int) -> Bool { schedule.acts(at: step) }

  /// The latent after iteration `step`'s refinement and update.
  /// - Throws: what `look` throws.
  public func guide(
    _ latent: Tensor, step: Int, of count: Int, memory: inout [String: Tensor],
    look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor {
    var latent = latent
    var probe = try look(latent, .loss, 0)
    let alpha = schedule.stepSize(step, of: count)
    var loss = \ObjectiveValue.loss
    if let threshold = schedule.thresholds[step] {
      // Rounded to float32, as torch does when it compares.
      let target = Float(max(0, 1 - threshold))
      let tries = schedule.tries(at: step)
      if probe.value.shortfall > target, tries > 0 {
        (latent, probe) = try refined(
          latent, probe, target: target, tries: tries, alpha: alpha, look)
        loss = \.afterRefinement
      }
    }
    guard step < schedule.maxIterations else { return latent }
    return updated(latent, probe, loss, alpha: alpha)
  }

  /// Iterative latent refinement (section 4.1).
  ///
  /// At least one try is made. The loop tests the loss measured *before* the update it has just made, so one more update
  /// always lands after the target is met, as published.
  private func refined(
    _ latent: Tensor, _ first: LossProbe, target: Float, tries: Int, alpha: Float,
    _ look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> (Tensor, LossProbe) {
    var latent = latent
    var probe = first
    var attempt = 0
    while probe.value.shortfall > target, attempt < tries {
      attempt += 1
      if attempt > 1 { probe = try look(latent, .refinement, attempt) }
      latent = updated(latent, probe, \.refinement, alpha: alpha)
    }
    return (latent, try look(latent, .loss, attempt))
  }

  /// `z − α ∂L/∂z`; where the loss is exactly 0 it has no slope, and the latent stays.
  private func updated(
    _ latent: Tensor, _ probe: LossProbe, _ loss: KeyPath<ObjectiveValue, Tensor>, alpha: Float
  ) -> Tensor {
    guard probe.value[keyPath: loss].item != 0 else { return latent }
    let gradient = probe.gradient(of: loss)
    var scale = alpha
    if let longest = schedule.longestGradient {
      let norm = (gradient * gradient).sum.item.squareRoot()
      if norm > longest { scale *= longest / norm }
    }
    return .combination(1, latent, -scale, gradient)
  }
}
