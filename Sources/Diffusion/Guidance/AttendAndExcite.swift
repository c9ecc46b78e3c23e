public import AttentionTrace
private import Foundation
public import TensorEngine

/// Attend-and-Excite's schedule: a gradient step on the latent in each early iteration, and more
/// of them where a threshold must be reached.
///
/// Chefer et al., SIGGRAPH 2023, algorithm 1 and section 4:
///
/// | here | there |
/// | --- | --- |
/// | `stepSize(_:of:)` | α_t |
/// | `latent` | z_t, and z′_t = z_t − α_t ∇L after an update |
/// | `thresholds` | T_t for the iterations {t₁, …, t_k} of iterative refinement |
///
/// Left out because it changes no result: the unused passes of refinement, its first pass (which
/// repeats the one before it), and the look after the last altered iteration.
///
/// - Reference: github.com/yuval-alaluf/Attend-and-Excite `pipeline_attend_and_excite.py`;
///   diffusers `pipeline_stable_diffusion_attend_and_excite.py`.
public struct AttendAndExcite: LatentGuide {
  /// Every knob, with the published default.
  public struct Settings: Sendable, Hashable {
    /// The latent is altered while the iteration is below this.
    public var maxIterations = 25
    /// The attention every subject must reach, by iteration.
    public var thresholds: [Int: Double] = [0: 0.05, 10: 0.5, 20: 0.8]
    /// α before its decay.
    public var scaleFactor = 20.0
    /// α's decay over all iterations is the root of a line from the first to the second.
    public var scaleRange = [1.0, 0.5]
    /// Whether maps are smoothed before their largest value is taken.
    public var smooths = true
    /// σ of the smoothing kernel.
    public var sigma = 0.5
    /// Side of the smoothing kernel.
    public var kernelSize = 3
    /// The most tries of refinement at one iteration.
    public var maxRefinementSteps = 20
    /// The most tries at the first iteration; `nil` for as many as at the others.
    public var maxFirstRefinementSteps: Int?
    /// Whether the look is taken in every iteration, as the published code does; for recording it.
    public var looksAlways = false

    /// The published defaults.
    public init() {}

    /// The most tries of refinement at an iteration.
    package func tries(at step: Int) -> Int {
      step == 0 ? maxFirstRefinementSteps ?? maxRefinementSteps : maxRefinementSteps
    }

    /// Refuses numbers that no run can be made with.
    func validate() throws {
      try DiffusionError.require(
        scaleFactor.isFinite, "the scale factor", "\(scaleFactor)", "a number")
      try DiffusionError.require(
        scaleRange.count == 2 && scaleRange.allSatisfy { $0 >= 0 && $0.isFinite },
        "the scale range", "\(scaleRange)", "two numbers, neither below 0")
      try DiffusionError.require(
        thresholds.values.allSatisfy(\.isFinite), "a threshold", "\(thresholds)", "numbers")
    }
  }

  /// The loss it follows.
  public let objective: any AttentionObjective
  /// Every knob.
  public let settings: Settings

  /// Follows `objective` as `settings` say.
  public init(_ objective: any AttentionObjective, _ settings: Settings) {
    self.objective = objective
    self.settings = settings
  }

  /// α of iteration `step`: 20 √r, r on a line from 1 to 0.5.
  public func stepSize(_ step: Int, of count: Int) -> Float {
    let share = count > 1 ? Double(step) / Double(count - 1) : 0
    let range = settings.scaleRange
    return Float(
      settings.scaleFactor * (range[0] + (range[1] - range[0]) * share).squareRoot())
  }

  /// Whether iteration `step` alters the latent, has a threshold, or is looked at all the same.
  public func acts(at step: Int) -> Bool {
    step < settings.maxIterations || settings.thresholds[step] != nil || settings.looksAlways
  }

  /// The latent after iteration `step`'s refinement and update.
  ///
  /// - Parameters:
  ///   - latent: `[1, 4, row, column]`.
  ///   - look: runs the UNet as far as the objective reads; see ``LatentGuide``.
  /// - Throws: what `look` throws.
  public func guide(
    _ latent: Tensor, step: Int, of count: Int,
    look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor {
    var latent = latent
    var probe = try look(latent, .loss, 0)
    if let threshold = settings.thresholds[step] {
      // Rounded to float32, as torch does when it compares.
      (latent, probe) = try refined(
        latent, probe, target: Float(max(0, 1 - threshold)), tries: settings.tries(at: step),
        alpha: stepSize(step, of: count), look)
    }
    guard step < settings.maxIterations else { return latent }
    return updated(latent, probe, \.loss, alpha: stepSize(step, of: count))
  }

  /// Iterative latent refinement (section 4.1).
  ///
  /// The loop tests the loss measured *before* the update it has just made, so one more update
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
    return attempt == 0 ? (latent, probe) : (latent, try look(latent, .loss, attempt))
  }

  /// `z − α ∂L/∂z`; where the loss is exactly 0 it has no slope, and the latent stays.
  private func updated(
    _ latent: Tensor, _ probe: LossProbe, _ loss: KeyPath<ObjectiveValue, Tensor>, alpha: Float
  ) -> Tensor {
    guard probe.value[keyPath: loss].item != 0 else { return latent }
    return .combination(1, latent, -alpha, probe.gradient(of: loss))
  }
}
