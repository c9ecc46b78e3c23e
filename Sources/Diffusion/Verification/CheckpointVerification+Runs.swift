internal import AttentionTrace
private import Foundation
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
    var scheduler = try kind.make(.fixture(kind, prediction), steps: 12)
    var sample = latent.affine(scale: scheduler.initialNoiseScale)
    var trace = [sample]
    for index in scheduler.timesteps.indices {
      let input = scheduler.scaledInput(sample, at: index)
      let output = Tensor(
        input.values.map { sin(3 * $0) * 0.5 + 0.1 * Float(index) }, shape: input.shape)
      sample = scheduler.step(output, at: index, sample)
      trace.append(sample)
    }
    let corner = Tensor.concatenated(trace, axis: 0).sliced(axis: 2, 0..<4).sliced(axis: 3, 0..<4)
    return try line(name, corner)
  }

  /// The fixtures' end-to-end runs: prompt 1, 6 steps, guidance 7.5, from the golden latent.
  mutating func verifyRun(_ name: String) throws -> Line {
    switch name {
    case "e2e.sd.latent": return try line(name, run(row(1), from: latent, steps: 6).latent)
    case "e2e.ae.latent":
      let result = try excitedRun()
      runLosses = result.losses
      return try line(name, result.latent)
    case "e2e.ae.losses":
      let losses = try runLosses ?? excitedRun().losses
      return line(name, losses, golden.losses.map(Float.init), isLoss: true)
    default: return unknown(name)
    }
  }

  private func excitedRun() throws -> Run {
    var settings = AttendAndExcite.Settings()
    settings.maxIterations = 4
    settings.thresholds = [0: 0.05, 2: 0.55]
    settings.looksAlways = true
    let objective = try excitation(tokens: golden.tokenIndices[1], end: nil, smooth: true)
    return try run(
      row(1), from: latent, steps: 6, guide: AttendAndExcite(objective, settings))
  }

  /// A golden picture: 50 steps, guidance 7.5, the checkpoint's scheduler, the seed's own noise.
  mutating func verifyImage(_ name: String) throws -> Line {
    guard let image = golden.images.first(where: { name.hasPrefix($0.name + ".") }) else {
      return unknown(name)
    }
    let run = try images[image.name] ?? generate(image)
    images[image.name] = run
    switch name.dropFirst(image.name.count + 1) {
    case "latent": return try line(name, run.latent)
    case "losses": return line(name, run.losses, image.losses.map(Float.init), isLoss: true)
    case "pixels":
      // The golden picture is rounded to whole grey levels: half a level of it is the rounding.
      let expected = try golden.tensors.tensor(name).values
      let levels = vae.decode(run.latent).values.map { min(max($0 / 2 + 0.5, 0), 1) * 255 }
      let unrounded = zip(levels, expected).map { level, golden in
        abs(level - golden) <= 0.5 ? golden : level + (level > golden ? -0.5 : 0.5)
      }
      return line(name, unrounded, expected)
    default: return unknown(name)
    }
  }

  private func generate(_ image: GoldenFile.Image) throws -> Run {
    let table = tokenizer.encode(image.prompt)
    var source = TorchRandomSource(seed: image.seed)
    let guide = try image.tokens.map { tokens in
      var settings = AttendAndExcite.Settings()
      settings.looksAlways = true
      return AttendAndExcite(
        try excitation(tokens: tokens, end: nil, smooth: true), settings)
    }
    return try run(
      text([table.tokens.map(\.id)]), from: source.normal(shape: latent.shape), steps: 50,
      guide: guide)
  }

  /// A whole run's latent, and the losses as diffusers evaluates them.
  struct Run {
    let latent: Tensor
    let losses: [Float]
  }

  private func run(
    _ prompt: Tensor, from noise: Tensor, steps: Int, guide: AttendAndExcite? = nil
  ) throws -> Run {
    let kind = try checkpoint.schedulerKind()
    let log = LossLog()
    var sequence = try DenoisingSequence(
      unet: unet, scheduler: kind.make(checkpoint.schedule, steps: steps), latent: noise,
      embeddings: (prompt, row(golden.prompts.count)), guidanceScale: 7.5, guide: guide,
      report: { pass, measurement in log.note(pass, measurement) })
    while try sequence.next() != nil {}
    return Run(latent: sequence.latent, losses: log.losses)
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

extension NoiseSchedule {
  /// The settings of the fixtures' scheduler traces.
  fileprivate static func fixture(
    _ kind: SchedulerKind, _ prediction: Prediction
  ) throws -> NoiseSchedule {
    let json = """
      {"_class_name": "\(kind == .ddim ? "DDIMScheduler" : "PNDMScheduler")",
       "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
       "steps_offset": 1, "clip_sample": false, "set_alpha_to_one": false,
       "skip_prk_steps": true, "prediction_type": "\(prediction.rawValue)"}
      """
    let value = try StrictJSON.parse(Array(json.utf8), file: "scheduler fixture")
    return try NoiseSchedule(JSONNode(value, file: "scheduler fixture"))
  }
}
