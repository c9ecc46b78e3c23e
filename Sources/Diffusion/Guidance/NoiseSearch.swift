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
/// In the first iteration alone. What is good enough is the objective's to say: its shortfall is 0.
/// If no round reaches the target, the search continues from the best noise for more steps. The published code
/// takes steps on the divergence until it is small enough; here the mean and the log variance go
/// straight to where it is, on the line to normal noise.
public struct NoiseSearch: LatentGuide {
  /// The knobs of the search, with the published defaults.
  public struct Settings: Sendable, Hashable {
    /// How many noises are drawn.
    public var rounds = 5
    /// Steps from each.
    public var steps = 10
    /// Steps from the best noise, if no round reached the target.
    public var finalSteps = 50
    /// Adam's learning rate.
    public var rate = 0.01
    /// The largest divergence of the noise after each step.
    public var divergence = 0.001

    /// The published defaults.
    public init() {}

    /// The most looks that a search may take.
    var looks: Int { rounds * steps + finalSteps }

    /// The search as a method's knobs.
    public static let knobs: [Knob<Settings>] = [
      .integer("search-rounds", \.rounds, in: 1...100, "How many initial noises are drawn."),
      .integer("search-steps", \.steps, in: 1...1000, "Optimisation steps from each."),
      .integer(
        "final-search-steps", \.finalSteps, in: 0...1000,
        "Optimisation steps from the best one, if none reaches the targets."),
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
  /// The deviation of the first iteration's latent.
  private let scale: Float
  /// Draws the noise of a round, from 1.
  private let fresh: @Sendable (Int) throws -> Tensor

  /// A search with `settings` for initial noise, before a run on `schedule`.
  package init(
    _ schedule: GradientDescent, _ settings: Settings, scale: Float,
    fresh: @escaping @Sendable (Int) throws -> Tensor
  ) {
    self.schedule = schedule
    self.settings = settings
    self.scale = scale
    self.fresh = fresh
  }

  /// The schedule's objective.
  public var objective: any AttentionObjective { schedule.objective }

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
    var best = Candidate(latent: latent, loss: .infinity)
    var looks = 0
    func descend(from start: Tensor, steps: Int) throws -> Bool {
      var noise = NoiseDistribution(start)
      for _ in 0..<steps {
        looks += 1
        let latent = noise.sample.affine(scale: scale)
        let probe = try look(latent, .refinement, looks)
        let isGood = probe.value.shortfall <= 0
        if isGood || probe.value.refinement.item < best.loss {
          best = Candidate(latent: latent, loss: probe.value.refinement.item)
        }
        if isGood { return true }
        noise.descend(probe.gradient(of: \.refinement).affine(scale: scale), rate: settings.rate)
        noise.settle(below: settings.divergence)
      }
      return false
    }
    for round in 0..<settings.rounds {
      let start = try round == 0 ? latent.affine(scale: 1 / scale) : fresh(round)
      if try descend(from: start, steps: settings.steps) { return best.latent }
    }
    _ = try descend(from: best.latent.affine(scale: 1 / scale), steps: settings.finalSteps)
    return best.latent
  }

  private struct Candidate {
    let latent: Tensor
    let loss: Float
  }
}
