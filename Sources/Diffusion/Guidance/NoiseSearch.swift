public import AttentionTrace
private import Foundation
public import TensorEngine

/// InitNO's search for initial noise, followed by Attend-and-Excite's schedule.
///
/// Guo, Lei, Chen, Zhang & Ding, InitNO, CVPR 2024, algorithm 1:
///
/// | here | there |
/// | --- | --- |
/// | `start` | z_T, drawn from N(0, I) |
/// | `mean`, `logVariance` | μ and log σ², of the noise z = z_T e^(½ log σ²) + μ |
/// | `divergence` | L_KL = mean −½ (1 + log σ² − μ² − σ²), which keeps the noise noise |
/// | `Adam` | the optimiser of the joint loss |
/// | `rounds`, `steps` | how many noises are drawn, steps from each |
///
/// In the first iteration alone. What is good enough is the objective's to say: its shortfall is 0. If no
/// round reaches the target, a last search begins with the noise that the best round drew. Looks are
/// compared by the objective's search score, and the best of all is taken. So that the noise stays noise,
/// mean and log variance go straight to where the divergence is small enough, on the line to normal noise.
///
/// The published code (``ObjectiveForm/code``) scores a round by its last look, takes the noise after
/// the last step, which nobody has looked at, and takes further Adam steps on the divergence until it is
/// small enough. It searches in the scheduler's scale of the latent.
public struct NoiseSearch: LatentGuide {
  /// The knobs of the search, with the published defaults.
  public struct Settings: Sendable, Hashable {
    /// How many noises are drawn.
    public var rounds = 5
    /// Steps from each.
    public var steps = 10
    /// Steps from the noise that the best round drew, if no round reached the target.
    public var finalSteps = 50
    /// Adam's learning rate.
    public var rate = 0.01
    /// The largest divergence of the noise after each step.
    public var divergence = 0.001

    /// The published defaults.
    public init() {}

    /// Every look that a search may take at an iteration: all are in the first.
    func looks(at step: Int) -> [MethodLook] {
      guard step == 0 else { return [] }
      return (0..<rounds * steps + finalSteps).map { MethodLook(.refinement, attempt: $0 + 1) }
    }

    /// The search as a method's knobs.
    public static let knobs: [Knob<Settings>] = [
      .integer("search-rounds", \.rounds, in: 1...100, "How many initial noises are drawn."),
      .integer("search-steps", \.steps, in: 1...1000, "Optimisation steps from each."),
      .integer(
        "final-search-steps", \.finalSteps, in: 0...1000,
        "Optimisation steps from the noise of the best round, if none reaches the targets."),
      .number("search-rate", \.rate, in: 1e-9...1e3, "Learning rate of the search."),
      .number(
        "search-divergence", \.divergence, in: 1e-9...1e3,
        "Largest Kullback–Leibler divergence of the noise from a standard normal."),
    ]
  }

  /// The schedule that follows the search.
  let schedule: GradientDescent
  /// Every knob of the search.
  let settings: Settings
  /// What is kept of a round, and how noise stays noise.
  let form: ObjectiveForm
  /// The deviation of the first iteration's latent.
  private let scale: Float
  /// Draws the noise of a round, from 1.
  private let fresh: @Sendable (Int) throws -> Tensor

  /// A search with `settings` for initial noise, before a run on `schedule`.
  package init(
    _ schedule: GradientDescent, _ settings: Settings, _ form: ObjectiveForm = .paper,
    scale: Float, fresh: @escaping @Sendable (Int) throws -> Tensor
  ) {
    self.schedule = schedule
    self.settings = settings
    self.form = form
    self.scale = scale
    self.fresh = fresh
  }

  /// The schedule's objective.
  public var objective: any AttentionObjective { schedule.objective }

  public var lossInput: LossInput { schedule.lossInput }

  public func acts(at step: Int) -> Bool { step == 0 || schedule.acts(at: step) }

  /// The latent after the search, if it is the first iteration, and the schedule's update.
  /// - Throws: what `look` throws.
  public func guide(
    _ latent: Tensor, step: Int, of count: Int, memory: inout [String: Tensor],
    look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor {
    let found = try step == 0 ? searched(latent, look) : latent
    return try schedule.guide(found, step: step, of: count, memory: &memory, look: look)
  }

  /// Noise that is good enough, or the best there was.
  private func searched(
    _ latent: Tensor, _ look: (Tensor, Phase, Int) throws -> LossProbe
  ) throws -> Tensor {
    var looks = 0
    // The published code knows no other scale than that of the latent.
    let unit = form == .code ? 1 : scale
    func search(from start: Tensor, steps: Int) throws -> Round {
      var noise = NoiseDistribution(start)
      var round = Round(start: start, latent: start.affine(scale: unit))
      for _ in 0..<steps {
        looks += 1
        let latent = noise.sample.affine(scale: unit)
        let probe = try look(latent, .refinement, looks)
        let score = probe.value.searchScore
        round.isGood = probe.value.shortfall <= 0
        if round.isGood || form == .code || score < round.score {
          (round.latent, round.score) = (latent, score)
        }
        if round.isGood { return round }
        noise.descend(probe.gradient(of: \.refinement).affine(scale: unit), rate: settings.rate)
        switch form {
        case .paper: noise.settle(below: settings.divergence)
        case .code: noise.descendDivergence(below: settings.divergence, rate: settings.rate)
        }
      }
      if form == .code { round.latent = noise.sample.affine(scale: unit) }
      return round
    }
    var rounds: [Round] = []
    for index in 0..<settings.rounds {
      let start = try index == 0 ? latent : fresh(index).affine(scale: scale)
      rounds.append(try search(from: start.affine(scale: 1 / unit), steps: settings.steps))
      if rounds[index].isGood { break }
    }
    guard let best = rounds.min(by: { $0.score < $1.score }) else { return latent }
    if form == .paper, let good = rounds.first(where: \.isGood) { return good.latent }
    if best.isGood { return best.latent }
    let last = try search(from: best.start, steps: settings.finalSteps)
    return form == .code || last.isGood || last.score < best.score ? last.latent : best.latent
  }

  /// What a search from one drawn noise found.
  private struct Round {
    /// The noise that was drawn.
    let start: Tensor
    /// What is kept of it.
    var latent: Tensor
    /// The search score that the round is compared by.
    var score = Float.infinity
    /// Whether it reached the target.
    var isGood = false
  }
}
