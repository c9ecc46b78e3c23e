/// What a method adds to a run; nothing for plain Stable Diffusion.
public struct MethodParts: Sendable {
  /// Moves the latent before the noise is predicted, following its own objective.
  public var guide: (any LatentGuide)?
  /// What is measured in every pass instead of the subjects' excitation scores, if there is no guide.
  public var objective: (any AttentionObjective)?
  /// Corrects each step's prediction, following its own objective.
  public var correction: NoiseCorrection?
  /// What the prompt's branch is conditioned on; `nil` for the prompt's own embedding.
  public var prompt: PromptEmbedding?
  /// Moves the vectors of ``prompt``, and the input at which the noise is predicted.
  var merging: TokenMerging?
  /// Changes the attention of the prompt's branch.
  public var intervention: (any AttentionIntervention)?
  /// The predictions that are combined into the noise; `nil` for the prompt's prediction alone.
  public var components: [NoiseComponent]?
  /// A run that is made in step with this one, and whose maps this one takes.
  var companion: SourceRun?
  /// What a request takes out of the attention, after the method's own intervention.
  var ablation: AttentionAblation?

  /// What is measured in every pass: what a part follows, or else ``objective``.
  var measured: (any AttentionObjective)? {
    guide?.objective ?? correction?.objective ?? merging?.objective ?? objective
  }

  /// A method's parts; those that are omitted are Stable Diffusion's own.
  public init(
    guide: (any LatentGuide)? = nil, objective: (any AttentionObjective)? = nil,
    intervention: (any AttentionIntervention)? = nil, components: [NoiseComponent]? = nil,
    correction: NoiseCorrection? = nil, prompt: PromptEmbedding? = nil
  ) {
    self.guide = guide
    self.objective = objective
    self.intervention = intervention
    self.components = components
    self.correction = correction
    self.prompt = prompt
  }
}
