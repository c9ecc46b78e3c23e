package import TensorEngine

/// `scheduler/scheduler_config.json`: how much noise there is at each time, and which times to visit.
///
/// - Reference: diffusers `schedulers/scheduling_ddim.py` and `scheduling_pndm.py`.
package struct NoiseSchedule: Sendable, Equatable {
  /// How timesteps are spread over the training times.
  package enum Spacing: String, Sendable, CaseIterable {
    case leading, trailing, linspace
  }

  /// ᾱ at each training time: the share of the clean sample's variance.
  package let cumulativeAlphas: [Float]
  /// ᾱ before the first time: 1, or that of time 0.
  package let finalAlpha: Float
  package let prediction: Prediction
  let stepsOffset: Int
  /// How times are spread; `nil` leaves it to the scheduler, as diffusers does.
  let spacing: Spacing?
  /// Bound on the clean sample's estimate; `nil` for none.
  let clip: Float?
  let skipRungeKutta: Bool
  /// The class diffusers names, such as `PNDMScheduler`.
  package let className: String
  /// The settings in force, for the manifest.
  package let settings: [String: String]

  package var trainingTimes: Int { cumulativeAlphas.count }

  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one Heed lacks.
  package init(_ json: JSONNode) throws {
    let config = ConfigurationReader(json)
    className = try config.string("_class_name", default: "PNDMScheduler")
    try config.requireFalse("thresholding")
    for key in [
      "rescale_betas_zero_snr", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas",
      "use_lu_lambdas", "use_flow_sigmas", "euler_at_final",
    ] {
      try config.requireFalse(key)
    }
    guard try config.integer("solver_order", default: 2) == 2 else {
      throw DiffusionError.unsupported(
        path: json.file, key: "solver_order",
        value: String(try json.member("solver_order").integer()),
        supported: "2")
    }
    try config.require("algorithm_type", "dpmsolver++")
    try config.require("solver_type", "midpoint")
    try config.require("final_sigmas_type", "zero")
    try config.require("interpolation_type", "linear")
    try config.require("timestep_type", "discrete")
    try config.requireAbsent("trained_betas")
    let count = try config.integer("num_train_timesteps", default: 1000)
    let betas = try Self.betas(config, count)
    var product = 1.0
    cumulativeAlphas = betas.map { beta in
      product *= Double(1 - beta)
      return Float(product)
    }
    let isDDIM = className == "DDIMScheduler"
    let toOne = try config.bool("set_alpha_to_one", default: isDDIM)
    finalAlpha = toOne ? 1 : cumulativeAlphas[0]
    prediction = try config.choice("prediction_type", Prediction.self) ?? .epsilon
    spacing = try config.choice("timestep_spacing", Spacing.self)
    stepsOffset = try config.integer("steps_offset", default: 0, in: 0...count)
    let clips = try isDDIM && config.bool("clip_sample", default: true)
    clip = clips ? Float(try config.positive("clip_sample_range", default: 1)) : nil
    skipRungeKutta = try config.bool("skip_prk_steps", default: false)
    settings = [
      "num_train_timesteps": String(count), "set_alpha_to_one": String(toOne),
      "prediction_type": prediction.rawValue,
      "timestep_spacing": spacing?.rawValue ?? "the scheduler's own",
      "steps_offset": String(stepsOffset), "clip_sample": String(clips),
      "skip_prk_steps": String(skipRungeKutta),
      "beta_schedule": try config.string("beta_schedule", default: "linear"),
      "beta_start": String(try config.double("beta_start", default: 0.0001)),
      "beta_end": String(try config.double("beta_end", default: 0.02)),
    ]
  }

  private static func betas(_ config: ConfigurationReader, _ count: Int) throws -> [Float] {
    let start = try config.double("beta_start", default: 0.0001)
    let end = try config.double("beta_end", default: 0.02)
    for (key, beta) in [("beta_start", start), ("beta_end", end)] {
      guard beta > 0, beta < 1 else {
        throw try config.json.member(key).failure("expected a number between 0 and 1, got \(beta)")
      }
    }
    switch try config.string("beta_schedule", default: "linear") {
    case "linear": return linspace(Float(start), Float(end), count)
    case "scaled_linear":
      return linspace(Float(start.squareRoot()), Float(end.squareRoot()), count).map { $0 * $0 }
    case let other:
      throw DiffusionError.unsupported(
        path: config.json.file, key: "beta_schedule", value: other,
        supported: "linear and scaled_linear")
    }
  }

  /// torch.linspace in float32: each half is counted from its own end.
  private static func linspace(_ start: Float, _ end: Float, _ count: Int) -> [Float] {
    guard count > 1 else { return [start] }
    let step = (end - start) / Float(count - 1)
    return (0..<count).map {
      $0 < count / 2 ? start + step * Float($0) : end - step * Float(count - 1 - $0)
    }
  }

  /// The training times to visit, from noise to picture.
  func spaced(_ steps: Int, _ spacing: Spacing) -> [Int] {
    switch spacing {
    case .leading:
      let ratio = trainingTimes / steps
      return (0..<steps).reversed().map { $0 * ratio + stepsOffset }
    case .trailing:
      let ratio = Double(trainingTimes) / Double(steps)
      return (0..<steps).map {
        Int((Double(trainingTimes) - Double($0) * ratio).rounded(.toNearestOrEven)) - 1
      }
    case .linspace:
      let span = Double(trainingTimes - 1)
      return (0..<steps).reversed().map {
        steps == 1 ? 0 : Int((Double($0) * span / Double(steps - 1)).rounded(.toNearestOrEven))
      }
    }
  }

  /// `√ᾱ x₀ + √(1−ᾱ) ε`: what the forward process makes of a clean sample by `time`.
  ///
  /// - Reference: Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020,
  ///   equation 4.
  func noised(_ clean: Tensor, _ noise: Tensor, at time: Int) -> Tensor {
    let alpha = alpha(time)
    return .combination(alpha.squareRoot(), clean, (1 - alpha).squareRoot(), noise)
  }

  /// ᾱ at `time`, which may lie before the first.
  func alpha(_ time: Int) -> Float {
    time < 0 ? finalAlpha : cumulativeAlphas[min(time, trainingTimes - 1)]
  }
}

extension ConfigurationReader {
  /// One of the named values Heed computes.
  func choice<Value: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Value.Type
  ) throws -> Value? where Value.RawValue == String {
    guard let text = try json.optionalMember(key)?.string() else { return nil }
    guard let choice = Value(rawValue: text) else {
      throw DiffusionError.unsupported(
        path: json.file, key: key, value: text,
        supported: Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }
}
