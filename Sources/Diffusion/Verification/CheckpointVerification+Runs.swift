internal import AttentionTrace
private import Foundation
internal import PromptText
internal import TensorEngine

extension CheckpointVerification {
  /// A scheduler under the fixtures' settings, driven by a model that is a sine of its input.
  func verifyScheduler(_ name: String, _ parts: [String]) throws -> Line {
    guard parts.count == 3, let prediction = Prediction(rawValue: parts[2]) else {
      return unknown(name)
    }
    guard let kind = SchedulerKind(rawValue: parts[1]) else {
      return Line(
        name: name, outcome: .notYet, error: .nan, relativeError: .nan, tolerance: tolerance)
    }
    var scheduler = try SchedulerConfiguration.fixture(kind, prediction).scheduler(steps: 12)
    var sample = latent.affine(scale: scheduler.initialNoiseScale)
    var trace = [sample]
    for index in scheduler.timesteps.indices {
      let input = scheduler.scaledInput(sample, at: index)
      let output = Tensor(
        input.values.map { sin(3 * $0) * 0.5 + 0.1 * Float(index) }, shape: input.shape)
      sample = scheduler.step(output, at: index, sample, noise: nil)
      trace.append(sample)
    }
    let corner = Tensor.concatenated(trace, axis: 0)
      .sliced(axis: 2, 0..<min(4, sample.shape[2])).sliced(axis: 3, 0..<min(4, sample.shape[3]))
    return try line(name, corner)
  }

  /// The end-to-end runs: prompt 1, guidance 7.5, from the golden latent.
  mutating func verifyRun(_ name: String) throws -> Line {
    guard golden.prompts.count > 1 else { return unknown(name) }
    switch name {
    case "e2e.sd.latent":
      return try latentLine(
        name, RunRecipe(name: "e2e.sd", prompt: row(1), steps: golden.endToEnd.steps))
    case "e2e.ae.latent": return try latentLine(name, try excitedRecipe())
    case "e2e.ae.losses":
      return try lossLine(name, try excitedRecipe(), golden.losses.map(Float.init))
    default: return unknown(name)
    }
  }

  private func excitedRecipe() throws -> RunRecipe {
    let schedule = GradientSchedule(
      maxIterations: golden.endToEnd.maxIterations, thresholds: golden.endToEnd.thresholds)
    let objective = try excitation(tokens: golden.tokenIndices[1], end: nil, smooth: true)
    return RunRecipe(
      name: "e2e.ae", prompt: row(1), steps: golden.endToEnd.steps,
      guide: GradientDescent(objective, schedule))
  }

  /// A golden picture: 50 steps, guidance 7.5, the checkpoint's scheduler, the seed's own noise.
  mutating func verifyImage(_ name: String) throws -> Line {
    guard let image = golden.images.first(where: { name.hasPrefix($0.name + ".") }) else {
      return unknown(name)
    }
    let recipe = try recipe(image)
    switch name.dropFirst(image.name.count + 1) {
    case "latent": return try latentLine(name, recipe)
    case "losses": return try lossLine(name, recipe, image.losses.map(Float.init))
    case "pixels":
      // The golden picture is rounded to whole grey levels: half a level of it is the rounding.
      let expected = try golden.tensors.tensor(name).values
      let levels = try vae.decode(run(recipe).latent).values.map {
        min(max($0 / 2 + 0.5, 0), 1) * 255
      }
      let unrounded = zip(levels, expected).map { level, golden in
        abs(level - golden) <= 0.5 ? golden : level + (level > golden ? -0.5 : 0.5)
      }
      return line(name, unrounded, expected)
    default: return unknown(name)
    }
  }

  private func recipe(_ image: GoldenFile.Image) throws -> RunRecipe {
    let table = tokenizer.encode(image.prompt)
    let guide = try image.tokens.map { tokens in
      GradientDescent(
        try excitation(tokens: tokens, end: nil, smooth: true), GradientSchedule())
    }
    return RunRecipe(
      name: image.name, prompt: try encoders.embedding(of: table), steps: 50, guide: guide,
      seed: image.seed)
  }
}

// MARK: - Runs and how well conditioned they are

extension CheckpointVerification {
  /// What makes a run.
  struct RunRecipe {
    /// The golden file's name for the run, under which it is made once.
    let name: String
    /// The prompt's embedding.
    let prompt: PromptEmbedding
    let steps: Int
    var guide: GradientDescent?
    /// Seed of the starting noise, which is also the fixtures' latent.
    var seed: UInt64 = 5
  }

  /// A whole run's latent, and the losses as diffusers evaluates them.
  struct Run {
    let latent: Tensor
    let losses: [Float]
  }

  private mutating func run(_ recipe: RunRecipe) throws -> Run {
    if let run = runs[recipe.name] { return run }
    let run = try make(recipe, nil)
    runs[recipe.name] = run
    return run
  }

  /// A change of the starting noise: how large about, and the seed of its numbers.
  private struct Disturbance {
    let size: Float
    let seed: UInt64
  }

  /// Disturbances as large as rounding, in several directions: where a run splits in two, some of
  /// them leave it where it was.
  private static let disturbances = [
    Disturbance(size: largestDisturbance, seed: 1), Disturbance(size: largestDisturbance, seed: 2),
    Disturbance(size: largestDisturbance, seed: 3), Disturbance(size: 1e-7, seed: 4),
    Disturbance(size: 1e-7, seed: 5),
  ]

  private static let guidanceScale = 7.5
  private static let largestDisturbance: Float = 1e-6

  /// How far a disturbance may move a run's final latent, over its range, before the run is
  /// ill-conditioned: so many times the disturbance.
  ///
  /// Four roundings of 10⁻⁶ then reach the tolerance of 2·10⁻⁴. Plain runs can amplify rounding as
  /// refined ones do.
  package static let mostAmplified = 50.0

  /// Makes a run, its starting noise off by a disturbance if there is one.
  private func make(_ recipe: RunRecipe, _ disturbance: Disturbance?) throws -> Run {
    var source = TorchRandomSource(seed: recipe.seed)
    var noise = source.normal(shape: latent.shape)
    if let disturbance {
      var shake = TorchRandomSource(seed: disturbance.seed)
      noise = .combination(1, noise, disturbance.size, shake.normal(shape: latent.shape))
    }
    let log = LossLog()
    var sequence = try DenoisingSequence(
      unet: unet.embedding(guidanceScale: Self.guidanceScale),
      scheduler: checkpoint.schedulerConfiguration(checkpoint.schedulerKind())
        .scheduler(steps: recipe.steps),
      latent: noise, noise: source, embeddings: (recipe.prompt, row(golden.prompts.count)),
      guidanceScale: unet.embedsGuidance ? 1 : Self.guidanceScale,
      parts: MethodParts(guide: recipe.guide), measuresLosses: true,
      report: { pass, measurement in log.note(pass, measurement) })
    while try sequence.next() != nil {}
    return Run(latent: sequence.latent, losses: log.losses)
  }

  /// Runs whose noise is off by rounding.
  ///
  /// How far they part from the run says what a comparison of it can show: where the prompt leaves two
  /// pictures open, or in twenty steps of refinement at α = 20, 10⁻⁶ can turn into a different picture.
  private mutating func shakenRuns(_ recipe: RunRecipe) throws -> [Run] {
    if let known = shaken[recipe.name] { return known }
    let made = try Self.disturbances.map { try make(recipe, $0) }
    shaken[recipe.name] = made
    return made
  }

  /// How many times the spread of shaken runs, or one rounding, a difference may be.
  static let spreadMargin = 4.0

  private mutating func latentLine(_ name: String, _ recipe: RunRecipe) throws -> Line {
    var verified = try line(name, run(recipe).latent)
    guard verified.outcome == .failed || measuresCondition, verified.relativeError.isFinite else {
      return verified
    }
    let spread = try spread(recipe)
    verified.amplification = spread / Double(Self.largestDisturbance)
    let isSteady = spread <= Self.mostAmplified * Double(Self.largestDisturbance)
    return verified.judged(
      isSteady ? .passed : .illConditioned,
      allowing: isSteady ? tolerance : max(tolerance, Self.spreadMargin * spread))
  }

  /// How far the largest of the disturbances moves a run's latent, over its range.
  private mutating func spread(_ recipe: RunRecipe) throws -> Double {
    let reference = try run(recipe).latent.values
    return try shakenRuns(recipe).reduce(0) { spread, run in
      max(spread, line(recipe.name, run.latent.values, reference).relativeError)
    }
  }

  /// Losses are judged one by one: each against how far shaken runs have parted by then.
  private mutating func lossLine(
    _ name: String, _ recipe: RunRecipe, _ expected: [Float]
  ) throws -> Line {
    let losses = try run(recipe).losses
    let strict = line(name, losses, expected, isLoss: true)
    guard strict.outcome == .failed, losses.count == expected.count else { return strict }
    let others = try shakenRuns(recipe).map(\.losses).filter { $0.count == losses.count }
    var spread = 0.0
    for (index, loss) in losses.enumerated() {
      spread = others.map { abs(Double($0[index] - loss)) }.reduce(spread, max)
      let allowed = max(Self.lossTolerance, Self.spreadMargin * spread)
      guard abs(Double(loss - expected[index])) <= allowed else { return strict }
    }
    return strict.judged(.illConditioned, allowing: strict.relativeError)
  }
}

/// The losses of a run in the order and number in which diffusers evaluates them.
///
/// diffusers' refinement begins with the pass that the step has just made; Heed leaves it out, and
/// its loss is noted a second time here.
private final class LossLog {
  private(set) var losses: [Float] = []
  private var first: Float?

  func note(_ pass: AttentionPass, _ measurement: PassMeasurement?) {
    guard pass.phase != .denoise, let measurement else { return }
    if pass.attempt == 0 {
      first = measurement.loss
    } else if let loss = first {
      losses.append(loss)
      first = nil
    }
    losses.append(measurement.loss)
  }
}

extension SchedulerConfiguration {
  /// The settings of the fixtures' scheduler traces.
  fileprivate static func fixture(
    _ kind: SchedulerKind, _ prediction: Prediction
  ) throws -> SchedulerConfiguration {
    let json = """
      {"_class_name": "\(kind.className)",
       "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
       "steps_offset": 1, "clip_sample": false, "set_alpha_to_one": false,
       "skip_prk_steps": true, "prediction_type": "\(prediction.rawValue)"}
      """
    let value = try StrictJSON.parse(Array(json.utf8), file: "scheduler fixture")
    return try SchedulerConfiguration(
      JSONNode(value, file: "scheduler fixture"), for: kind, .none)
  }
}
