internal import PromptText

/// A method that moves the latent down the gradient of a loss, by a schedule.
///
/// A method of this kind gives its loss by ``objective(for:)``; its ``schedule`` decides when and how
/// far the latent moves.
public protocol GradientMethod: Method {
  /// When and how far.
  var schedule: GradientSchedule { get set }
  /// How maps are smoothed before their largest value is taken.
  var smoothing: MapSmoothing { get set }
  /// α before its decay, as published for the loss; 20 unless it says otherwise.
  var publishedScaleFactor: Double { get }

  /// The loss in a run.
  /// - Throws: ``DiffusionError`` or `TextError` when it cannot be evaluated there.
  func objective(for run: PlannedRun) throws -> any AttentionObjective

  /// The guide that follows the loss: ``GradientDescent`` unless it says otherwise.
  /// - Throws: ``DiffusionError`` when the run cannot be guided.
  func guide(along objective: any AttentionObjective, in run: PlannedRun) throws -> any LatentGuide
}

extension GradientMethod {
  public static var knobs: [Knob<Self>] { scheduleKnobs }

  /// The knobs of its schedule and smoothing.
  public static var scheduleKnobs: [Knob<Self>] {
    GradientSchedule.knobs.map { $0.lifted(\.schedule) }
      + MapSmoothing.knobs.map { $0.lifted(\.smoothing) }
  }

  public var publishedScaleFactor: Double { GradientSchedule.publishedScaleFactor }
  public var alteredSteps: Int { schedule.maxIterations }
  public var thresholds: [Int: Double] { schedule.thresholds }
  public func looks(at step: Int) -> [MethodLook] { schedule.looks(at: step) }
  public func resolved(for run: PlannedRun) throws -> Self { withStepSize(for: run) }

  /// The same method with numbers for α, and for iterations where the run has few steps.
  public func withStepSize(for run: PlannedRun) -> Self {
    var method = self
    method.schedule = schedule.resolved(
      published: publishedScaleFactor, checkpoint: run.model.checkpoint.guidance.scaleFactor,
      iterations: run.hasFewSteps ? run.timesteps.count : nil)
    return method
  }

  public func notes(for run: PlannedRun) -> [MethodNote] { scheduleNotes(for: run) }

  /// In a run of a few steps, what its schedule comes to.
  func scheduleNotes(for run: PlannedRun) -> [MethodNote] {
    guard run.hasFewSteps else { return [] }
    return [MethodNote("\(name): " + schedule.summary(of: run.timesteps.count))]
  }

  public func guide(
    along objective: any AttentionObjective, in run: PlannedRun
  ) throws -> any LatentGuide {
    GradientDescent(objective, schedule)
  }

  public func parts(for run: PlannedRun) throws -> MethodParts {
    let objective = try objective(for: run)
    _ = try objective.sites(among: run.sites)
    return MethodParts(guide: try guide(along: objective, in: run))
  }
}
