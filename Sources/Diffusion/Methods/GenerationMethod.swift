public import AttentionTrace

/// A way to make a picture, and every knob of it.
///
/// A method takes part in a run by its ``parts(for:)``: a guide that moves the latent, an
/// intervention that changes attention, predictions that are combined into the noise. What it says
/// of itself besides goes into the run's manifest and folder, and into the cost of recording it.
public protocol GenerationMethod: Hashable, Sendable {
  /// As on the command line, and as the run's folder is named.
  var name: String { get }
  /// Every knob by its option's name, as the command line takes it.
  var settings: [String: String] { get }
  /// Iterations in which the latent is altered; 0 for none.
  var alteredSteps: Int { get }
  /// Attention that each subject must reach, by iteration; empty for none.
  var thresholds: [Int: Double] { get }
  /// How the largest attention of each subject is read.
  var measurement: AttendAndExcite.Settings { get }
  /// Whether it makes no sense without subjects.
  var needsSubjects: Bool { get }
  /// Whether the unconditional prediction is made whatever the weight of guidance, as a method needs
  /// that has ``MethodParts/components``.
  var isAlwaysGuided: Bool { get }
  /// Whether each row of every map it is made with sums to 1.
  var rowsSumToOne: Bool { get }

  /// Every look that it may take at iteration `step` before the noise is predicted, in their order.
  func looks(at step: Int) -> [MethodLook]

  /// The same method with a look in every iteration, if it looks at all; for recording the loss.
  func lookingAlways(_ always: Bool) -> Self

  /// What it adds to a run.
  /// - Throws: ``DiffusionError`` or ``TextError`` when the run cannot be made.
  func parts(for run: MethodContext) throws -> MethodParts
}

extension GenerationMethod {
  /// None.
  public var alteredSteps: Int { 0 }
  /// None.
  public var thresholds: [Int: Double] { [:] }
  /// As the published Attend-and-Excite reads it.
  public var measurement: AttendAndExcite.Settings { .init() }
  /// It does make sense.
  public var needsSubjects: Bool { false }
  /// By the weight of guidance.
  public var isAlwaysGuided: Bool { false }
  /// It does.
  public var rowsSumToOne: Bool { true }
  /// None.
  public func looks(at step: Int) -> [MethodLook] { [] }
  /// Itself.
  public func lookingAlways(_ always: Bool) -> Self { self }
  /// Nothing; the subjects are measured all the same.
  public func parts(for run: MethodContext) throws -> MethodParts { MethodParts() }
}

/// A pass of the UNet for the prompt alone, as far as an objective reads.
public struct MethodLook: Hashable, Sendable {
  /// What it is for.
  public let phase: Phase
  /// The try of refinement; for a loss, the tries before it.
  public let attempt: Int

  /// Describes a look; see the properties.
  public init(_ phase: Phase, attempt: Int = 0) {
    self.phase = phase
    self.attempt = attempt
  }
}

/// What a method adds to a run; nothing for plain Stable Diffusion.
public struct MethodParts {
  /// Moves the latent before the noise is predicted, following its own objective.
  public var guide: (any LatentGuide)?
  /// What is measured of every pass instead of the subjects' largest attention, where no guide's
  /// objective is.
  public var objective: (any AttentionObjective)?
  /// Changes the attention of the prompt's branch.
  public var intervention: (any AttentionIntervention)?
  /// Predictions that the noise is made of in place of the prompt's; `nil` for the prompt's.
  public var components: [NoiseComponent]?
  /// A run that is made in step with this one, and seen by nobody else.
  var companion: DenoisingSequence?

  /// Describes what a method adds; see the properties.
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

extension GenerationRequest {
  /// The method of a request, whichever it is.
  public struct Method: Hashable, Sendable {
    /// The method itself.
    public let base: any GenerationMethod

    /// A request's method.
    public init(_ base: any GenerationMethod) { self.base = base }

    /// Nothing but the prompt.
    public static let stableDiffusion = Method(PlainDiffusion())

    /// By Attend-and-Excite's gradient.
    public static func attendAndExcite(_ settings: AttendAndExcite.Settings) -> Method {
      Method(settings)
    }

    /// Nothing is made: the picture is shown to the model at these training times, 0…999 in Stable
    /// Diffusion, as noisy as a run's latent is there.
    public static func explain(times: [Int]) -> Method { Method(PictureExplanation(times: times)) }

    /// As on the command line.
    public var name: String { base.name }

    /// The training times at which a picture is explained; `nil` for a method that makes pictures.
    public var explainedTimes: [Int]? { (base as? PictureExplanation)?.times }

    /// Whether two methods are the same, with the same knobs.
    public static func == (left: Method, right: Method) -> Bool {
      AnyHashable(left.base) == AnyHashable(right.base)
    }

    /// Hashes the method with its knobs.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(base)) }
  }
}
