package import TensorEngine

/// A scheduler's settings in force: what a file says, and for keys that it lacks the defaults of the
/// class that runs, whichever class the file was written for.
///
/// - Reference: diffusers `configuration_utils.py`, `extract_init_dict`; the classes in `schedulers/`.
package struct SchedulerConfiguration: Sendable {
  /// How timesteps are spread over the training times.
  package enum Spacing: String, Sendable, CaseIterable {
    case leading, trailing, linspace
  }

  /// Where the noise levels end.
  enum FinalLevel: String, Sendable, CaseIterable {
    case zero
    /// The level of the first training time.
    case least = "sigma_min"
  }

  /// Between which known levels others are found.
  enum Interpolation: String, Sendable, CaseIterable {
    case linear
    case logLinear = "log_linear"
  }

  /// What a run changes of a file's settings; `nil` leaves them.
  package struct Changes: Sendable, Equatable {
    /// What the UNet predicts.
    package var prediction: Prediction?
    /// Whether the last training time has no signal left.
    package var zeroTerminalSNR: Bool?
    /// How noise levels are spaced.
    package var sigmas: SigmaSpacing?
    /// How timesteps are spread.
    package var spacing: Spacing?
    /// Whether diffusers' Stable Diffusion pipelines set two of them: no clipping, and timesteps
    /// counted from 1, which the first configurations lacked.
    package var isPipeline = true

    /// No changes but the pipelines' own.
    package init() {}

    /// The settings as they stand, for a scheduler on its own.
    package static var none: Changes {
      var changes = Changes()
      changes.isPipeline = false
      return changes
    }
  }

  package let kind: SchedulerKind
  /// How noise grows over the training times.
  package let noise: NoiseSchedule
  package let prediction: Prediction
  package let spacing: Spacing
  package let stepsOffset: Int
  /// ᾱ before the first time: 1, or that of time 0.
  package let finalAlpha: Float
  /// Bound on the clean sample's estimate; `nil` for none.
  package let clip: Float?
  let threshold: DynamicThreshold?
  package let sigmas: SigmaSpacing
  /// The levels between which ``sigmas`` spaces them; `nil` for the schedule's own.
  let leastSigma: Double?
  let largestSigma: Double?
  let interpolation: Interpolation
  /// Whether times are ¼ log σ instead of training times.
  let hasContinuousTimes: Bool
  let finalLevel: FinalLevel
  /// PNDM without its Runge–Kutta start.
  let skipRungeKutta: Bool
  let order: Int
  let algorithm: DPMAlgorithm
  /// Whether second differences are taken by Heun's rule instead of the midpoint's.
  let isHeun: Bool
  let lowersFinalOrder: Bool
  let isEulerAtFinal: Bool
  /// The least log-SNR at which a run may begin.
  let leastLambda: Double
  /// UniPC's B(h): h, or eʰ − 1.
  let isFirstB: Bool
  /// Whether UniPC extrapolates the clean sample instead of the noise.
  let predictsClean: Bool
  /// Steps after which UniPC does not correct.
  let uncorrected: Set<Int>
  /// Steps of the schedule that a consistency model was distilled from.
  let originalSteps: Int
  let timestepScaling: Double
  /// Every key of the class with its value in force, for the manifest.
  package let settings: [String: String]

  /// Reads the settings for a kind.
  ///
  /// - Throws: `FileError` for a value of another type, ``DiffusionError`` for one that Heed lacks.
  package init(
    _ json: JSONNode, for kind: SchedulerKind, _ changes: Changes = Changes()
  ) throws {
    self.kind = kind
    let keys = try SchedulerReader(json, kind, changes)
    try keys.requireSupported()
    noise = try NoiseSchedule(keys, endsAtZero: keys.bool("rescale_betas_zero_snr"))
    prediction = try keys.choice("prediction_type", Prediction.self) ?? .epsilon
    spacing = try keys.choice("timestep_spacing", Spacing.self) ?? .linspace
    stepsOffset = try keys.integer("steps_offset", in: 0...noise.trainingTimes) ?? 0
    finalAlpha = try keys.bool("set_alpha_to_one") ? 1 : noise.cumulativeAlphas[0]
    clip = try keys.bool("clip_sample") ? Float(keys.positive("clip_sample_range")) : nil
    threshold =
      try keys.bool("thresholding")
      ? DynamicThreshold(
        ratio: keys.number("dynamic_thresholding_ratio", in: 0...1),
        largest: keys.positive("sample_max_value")) : nil
    sigmas = try keys.sigmas()
    leastSigma = try keys.optional("sigma_min") { Double(try keys.positive($0)) }
    largestSigma = try keys.optional("sigma_max") { Double(try keys.positive($0)) }
    interpolation = try keys.choice("interpolation_type", Interpolation.self) ?? .linear
    hasContinuousTimes =
      try keys.oneOf("timestep_type", ["discrete", "continuous"]) == "continuous"
      && prediction == .velocity
    finalLevel = try keys.choice("final_sigmas_type", FinalLevel.self) ?? .zero
    skipRungeKutta = try keys.bool("skip_prk_steps")
    order = try keys.integer("solver_order", in: kind == .uniPC ? 1...10 : 1...3) ?? 2
    algorithm = try kind.algorithm ?? keys.algorithm()
    let rules = kind == .uniPC ? ["bh2", "bh1"] : ["midpoint", "heun"]
    let others = kind == .uniPC ? ["midpoint", "heun", "logrho"] : ["logrho", "bh1", "bh2"]
    let rule = try keys.oneOf("solver_type", rules + others)
    (isHeun, isFirstB) = (rule == "heun" && kind != .uniPC, rule == "bh1" && kind == .uniPC)
    lowersFinalOrder = try keys.bool("lower_order_final")
    isEulerAtFinal = try keys.bool("euler_at_final")
    leastLambda = try keys.extended("lambda_min_clipped") ?? -.infinity
    predictsClean = try keys.bool("predict_x0")
    uncorrected = try Set(
      keys.optional("disable_corrector") { try keys.member($0).integers() } ?? [])
    originalSteps =
      try keys.integer("original_inference_steps", in: 1...noise.trainingTimes) ?? 50
    timestepScaling = try keys.optional("timestep_scaling") { Double(try keys.positive($0)) } ?? 10
    settings = keys.texts
    try requireComputable(json.file)
  }

  /// Refuses what diffusers refuses, or computes to no number.
  private func requireComputable(_ path: String) throws {
    func refuse(_ key: String, _ value: String, _ supported: String) -> DiffusionError {
      .unsupported(path: path, key: key, value: value, supported: supported)
    }
    let lacksSample: [SchedulerKind] = [.pndm, .eulerAncestral, .kdpm2, .kdpm2Ancestral]
    if prediction == .sample, lacksSample.contains(kind) {
      throw refuse(
        "prediction_type", "sample", "epsilon and v_prediction with \(kind.rawValue)")
    }
    let isSolver = kind == .singlestepDPMSolver || kind.algorithm != nil
    if isSolver, algorithm.isOfNoise, finalLevel == .zero {
      throw refuse(
        "final_sigmas_type", "zero",
        "sigma_min where algorithm_type is \(algorithm.rawValue), which has no step to a level of 0"
      )
    }
    if kind == .singlestepDPMSolver, algorithm == .stochasticNoise {
      throw refuse(
        "algorithm_type", algorithm.rawValue,
        "dpmsolver, dpmsolver++ and sde-dpmsolver++ with \(kind.rawValue)")
    }
    if isSolver, algorithm == .stochasticNoise, order == 3 {
      throw refuse("solver_order", "3", "1 and 2 where algorithm_type is \(algorithm.rawValue)")
    }
    if kind == .uniPC, finalLevel == .zero, !predictsClean || (!lowersFinalOrder && order > 1) {
      throw refuse(
        predictsClean ? "lower_order_final" : "predict_x0", "false",
        "true where final_sigmas_type is zero: the last step would be infinite")
    }
  }

  /// Refuses times at which nothing but noise is left, where the noise is what the UNet predicts.
  func requireSignal(at times: [Double]) throws {
    guard prediction == .epsilon, noise.cumulativeAlphas.last == 0,
      times.contains(Double(noise.trainingTimes - 1))
    else { return }
    throw DiffusionError.invalidRequest(
      what: "the prediction", got: "epsilon at a time without signal",
      expected: "v_prediction or sample with rescale_betas_zero_snr and \(kind.rawValue)")
  }
}

// MARK: - Times

extension SchedulerConfiguration {
  /// The training times to visit, from noise to picture.
  func spaced(_ steps: Int) -> [Int] {
    let count = noise.trainingTimes
    switch spacing {
    case .leading:
      let ratio = count / steps
      return (0..<steps).reversed().map { $0 * ratio + stepsOffset }
    case .trailing: return trailing(steps, below: count)
    case .linspace: return Self.linspace(steps, below: count)
    }
  }

  /// Times from `last` − 1 down, as far apart as `steps` of them share all training times.
  func trailing(_ steps: Int, below last: Int) -> [Int] {
    let ratio = Double(noise.trainingTimes) / Double(steps)
    let count = min(steps, Int((Double(last) / ratio).rounded(.up)))
    return (0..<count).map {
      Int((Double(last) - Double($0) * ratio).rounded(.toNearestOrEven)) - 1
    }
  }

  /// Times from `last` − 1 to 0, evenly.
  static func linspace(_ steps: Int, below last: Int) -> [Int] {
    let span = Double(last - 1)
    return (0..<steps).reversed().map {
      steps == 1 ? 0 : Int((Double($0) * (span / Double(steps - 1))).rounded(.toNearestOrEven))
    }
  }

  /// Times of a schedule of ``originalSteps`` steps that a consistency model was distilled from.
  /// - Throws: ``DiffusionError/invalidRequest(what:got:expected:)`` for more steps than it has.
  func distilled(_ steps: Int) throws -> [Int] {
    guard steps <= originalSteps else {
      throw DiffusionError.invalidRequest(
        what: "the number of steps", got: String(steps),
        expected: "1…\(originalSteps), the original_inference_steps of \(kind.rawValue)")
    }
    let ratio = noise.trainingTimes / originalSteps
    let share = Double(originalSteps) / Double(steps)
    return (0..<steps).map { (originalSteps - Int(Double($0) * share)) * ratio - 1 }
  }
}

// MARK: - Samples

extension SchedulerConfiguration {
  /// ᾱ at `time`, which may lie before the first.
  func alpha(_ time: Int) -> Float {
    time < 0 ? finalAlpha : noise.cumulativeAlphas[min(time, noise.trainingTimes - 1)]
  }

  /// The clean sample, within its bounds, that an output stands for at a training time.
  func clean(_ output: Tensor, _ sample: Tensor, at time: Int) -> Tensor {
    bounded(prediction.clean(output, sample, alpha: alpha(time)))
  }

  /// The clean sample's estimate within its bounds.
  func bounded(_ clean: Tensor) -> Tensor {
    if let threshold { return threshold.applied(to: clean) }
    guard let clip else { return clean }
    return Tensor(clean.values.map { min(max($0, -clip), clip) }, shape: clean.shape)
  }
}

// MARK: - Scheduler

extension SchedulerConfiguration {
  /// Sets up a run of `steps` steps.
  ///
  /// - Parameter eta: η, the share of noise that DDIM and TCD add at each step, 0…1.
  /// - Throws: ``DiffusionError`` when the number of steps cannot be.
  package func scheduler(steps: Int, eta: Double = 0) throws -> any Scheduler {
    guard steps >= 1, steps <= noise.trainingTimes else {
      throw DiffusionError.invalidRequest(
        what: "the number of steps", got: String(steps), expected: "1…\(noise.trainingTimes)")
    }
    guard eta == 0 || kind == .ddim || kind == .tcd else {
      throw DiffusionError.invalidRequest(
        what: "eta", got: String(eta),
        expected: "none with \(kind.rawValue); it is for ddim and tcd")
    }
    let scheduler = try unchecked(steps, eta)
    try requireSignal(at: scheduler.timesteps)
    return scheduler
  }

  private func unchecked(_ steps: Int, _ eta: Double) throws -> any Scheduler {
    switch kind {
    case .ddim: DDIM(self, steps: steps, eta: eta)
    case .pndm: try PNDM(self, steps: steps)
    case .lms: try LinearMultistep(self, steps: steps)
    case .euler, .eulerAncestral: Euler(self, steps: steps)
    case .heun: Heun(self, steps: steps)
    case .kdpm2, .kdpm2Ancestral: KDPM2(self, steps: steps)
    case .dpmSolver, .sdeDPMSolver, .noiseDPMSolver, .sdeNoiseDPMSolver:
      try DPMSolver(self, steps: steps)
    case .singlestepDPMSolver: try SinglestepDPMSolver(self, steps: steps)
    case .uniPC: try UniPC(self, steps: steps)
    case .lcm: try LatentConsistency(self, steps: steps)
    case .tcd: try TrajectoryConsistency(self, steps: steps, eta: eta)
    }
  }
}
