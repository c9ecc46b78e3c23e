private import Foundation
internal import TensorEngine

/// The noise levels σ = √((1 − ᾱ) / ᾱ) that a run visits, from noise to picture, and their times.
///
/// Euler's and the multistep methods that count in σ keep a sample as x₀ + σ ε, and the UNet takes
/// it divided by √(σ² + 1); the solvers in log-SNR keep it as α (x₀ + σ ε), α = 1 / √(σ² + 1).
///
/// - Reference: Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models,
///   NeurIPS 2022, table 1 (VP); diffusers `scheduling_euler_discrete.py` and
///   `scheduling_dpmsolver_multistep.py`, `set_timesteps`.
struct NoiseLevels: Sendable {
  /// One for each iteration.
  let timesteps: [Double]
  /// One for each iteration, and the one that the last ends at.
  let sigmas: [Float]
  /// What the starting noise is multiplied with by Euler's and the multistep methods.
  let initialNoiseScale: Float

  private init(_ configuration: SchedulerConfiguration, _ times: [Double], _ sigmas: [Double]) {
    timesteps = times
    self.sigmas = sigmas.map { Float($0) }
    let largest = self.sigmas.max() ?? 0
    initialNoiseScale =
      configuration.spacing == .leading ? (largest * largest + 1).squareRoot() : largest
  }

  /// Levels at times that need not be whole, as Euler's and the linear multistep method take them.
  init(continuous configuration: SchedulerConfiguration, steps: Int) {
    let trained = TrainedLevels(configuration.noise)
    var times: [Double]
    switch configuration.spacing {
    case .linspace:
      let span = Double(configuration.noise.trainingTimes - 1)
      let step = steps > 1 ? span / Double(steps - 1) : 0
      times = (0..<steps).reversed().map { Double(Float(Double($0) * step)) }
    case .leading, .trailing: times = configuration.spaced(steps).map(Double.init)
    }
    var sigmas: [Double]
    switch configuration.interpolation {
    case .linear: sigmas = times.map(trained.level)
    case .logLinear:
      sigmas = SigmaSpacing.exponential.levels(
        from: trained.largest, to: trained.least, count: steps + 1)
    }
    let spacing = configuration.sigmas
    if spacing != .trained {
      sigmas = spacing.levels(
        from: configuration.largestSigma ?? sigmas[0],
        to: configuration.leastSigma ?? sigmas[sigmas.count - 1], count: steps)
      times = sigmas.map(trained.time)
      let rounds = configuration.kind == .kdpm2 || configuration.kind == .kdpm2Ancestral
      if rounds, spacing == .karras { times = times.map { $0.rounded(.toNearestOrEven) } }
    }
    sigmas.append(configuration.finalLevel == .least ? trained.least : 0)
    if configuration.hasContinuousTimes {
      times = sigmas.dropLast().map { 0.25 * log($0) }
    }
    self.init(configuration, times, sigmas)
  }

  /// Levels at whole times, as the solvers in log-SNR take them.
  init(discrete configuration: SchedulerConfiguration, steps: Int) {
    let trained = TrainedLevels(configuration.noise)
    let spacing = configuration.sigmas
    guard spacing != .trained else {
      let times = Self.times(configuration, steps, trained).map(Double.init)
      let final = configuration.finalLevel == .least ? trained.least : 0
      self.init(configuration, times, times.map(trained.level) + [final])
      return
    }
    let sigmas = spacing.levels(
      from: configuration.largestSigma ?? trained.largest,
      to: configuration.leastSigma ?? trained.least, count: steps)
    let isMultistep = configuration.kind.algorithm != nil
    let rounds =
      spacing == .lu || spacing == .karras
      ? !(isMultistep && configuration.noise.isCosine) : false
    let times = sigmas.map(trained.time).map {
      (rounds ? $0.rounded(.toNearestOrEven) : $0).rounded(.towardZero)
    }
    let least = configuration.kind == .uniPC ? sigmas[sigmas.count - 1] : trained.least
    self.init(
      configuration, times, sigmas + [configuration.finalLevel == .least ? least : 0])
  }

  /// One time more than steps is laid out, and the last is left to the final level.
  private static func times(
    _ configuration: SchedulerConfiguration, _ steps: Int, _ trained: TrainedLevels
  ) -> [Int] {
    let count = configuration.noise.trainingTimes
    let last = count - trained.count(belowLambda: configuration.leastLambda)
    guard configuration.kind != .singlestepDPMSolver else {
      return Array(SchedulerConfiguration.linspace(steps + 1, below: last).dropLast())
    }
    switch configuration.spacing {
    case .linspace:
      return Array(SchedulerConfiguration.linspace(steps + 1, below: last).dropLast())
    case .leading:
      let ratio = last / (steps + 1)
      return (1...steps).reversed().map { $0 * ratio + configuration.stepsOffset }
    case .trailing: return configuration.trailing(steps, below: last)
    }
  }

  /// Refuses levels of which two are the same: a method that divides by their distance has no step.
  ///
  /// - Parameter mayRest: whether the last two may be, as where a run ends at the level that its last
  ///   iteration begins at.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)``.
  func requireDistinct(mayRest: Bool = false) throws {
    let visited = mayRest ? sigmas.dropLast() : sigmas[...]
    guard zip(visited, visited.dropFirst()).allSatisfy({ $0 > $1 }) else {
      throw DiffusionError.invalidRequest(
        what: "the number of steps", got: String(timesteps.count),
        expected: "fewer steps: two timesteps have the same noise level")
    }
  }

  /// The sample as the UNet takes it at iteration `index`.
  func scaled(_ sample: Tensor, at index: Int) -> Tensor {
    Self.scaled(sample, at: sigmas[index])
  }

  /// The sample as the UNet takes it at a level.
  static func scaled(_ sample: Tensor, at sigma: Float) -> Tensor {
    sample.affine(scale: 1 / (sigma * sigma + 1).squareRoot())
  }

  /// The clean sample that a prediction at a level stands for.
  static func clean(
    _ output: Tensor, at sigma: Float, _ sample: Tensor, _ prediction: Prediction
  ) -> Tensor {
    switch prediction {
    case .epsilon: return .combination(1, sample, -sigma, output)
    case .velocity:
      let variance = sigma * sigma + 1
      return .combination(-sigma / variance.squareRoot(), output, 1 / variance, sample)
    case .sample: return output.detached
    }
  }

  /// The slope dx/dσ at a level towards a clean sample.
  static func slope(_ sample: Tensor, towards clean: Tensor, at sigma: Float) -> Tensor {
    .combination(1 / sigma, sample, -1 / sigma, clean)
  }

  /// The slope dx/dσ at iteration `index`.
  func slope(
    _ output: Tensor, at index: Int, _ sample: Tensor, _ prediction: Prediction
  ) -> Tensor {
    Self.slope(
      sample, towards: Self.clean(output, at: sigmas[index], sample, prediction),
      at: sigmas[index])
  }
}
