/// What a method adds to a run; nothing for plain Stable Diffusion.
public struct MethodParts: Sendable {
  /// Moves the latent before the noise is predicted, following its own objective.
  public var guide: (any LatentGuide)?
  /// What is measured of every pass instead of the subjects' largest attention, where no guide's
  /// objective is.
  public var objective: (any AttentionObjective)?
  /// Changes the attention of the prompt's branch.
  public var intervention: (any AttentionIntervention)?
  /// Predictions that the noise is made of in place of the prompt's; `nil` for the prompt's.
  public var components: [NoiseComponent]?
  /// A run that is made in step with this one, and whose maps this one takes.
  var companion: SourceRun?
  /// What a request takes out of the attention, after the method's own intervention.
  var ablation: AttentionAblation?

  /// A method's parts; what is left out is Stable Diffusion's own.
  public init(
    guide: (any LatentGuide)? = nil, objective: (any AttentionObjective)? = nil,
    intervention: (any AttentionIntervention)? = nil, components: [NoiseComponent]? = nil
  ) {
    self.guide = guide
    self.objective = objective
    self.intervention = intervention
    self.components = components
  }
}
