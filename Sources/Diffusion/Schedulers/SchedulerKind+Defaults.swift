internal import TensorEngine

extension SchedulerKind {
  /// The keys of the class's configuration with their defaults, which hold for keys that a file lacks.
  ///
  /// - Reference: the signatures of `__init__` in diffusers 0.42 `schedulers/`.
  var defaults: [String: JSONValue] {
    var keys = Self.common
    func add(_ more: [String: JSONValue]) { keys.merge(more) { $1 } }
    switch self {
    case .ddim:
      add(Self.thresholding)
      add([
        "clip_sample": .bool(true), "clip_sample_range": .number(1),
        "set_alpha_to_one": .bool(true),
        "steps_offset": .integer(0), "timestep_spacing": .string("leading"),
        "rescale_betas_zero_snr": .bool(false),
      ])
    case .pndm:
      add([
        "skip_prk_steps": .bool(false), "set_alpha_to_one": .bool(false),
        "steps_offset": .integer(0), "timestep_spacing": .string("leading"),
      ])
    case .lms: add(Self.spacedLevels)
    case .euler:
      add(Self.spacedLevels)
      add([
        "interpolation_type": .string("linear"), "sigma_min": .null, "sigma_max": .null,
        "timestep_type": .string("discrete"), "rescale_betas_zero_snr": .bool(false),
        "final_sigmas_type": .string("zero"),
      ])
    case .eulerAncestral:
      add(Self.spacedTimes)
      add(["rescale_betas_zero_snr": .bool(false)])
    case .heun:
      add(Self.spacedLevels)
      add(Self.latentBetas)
      add(["clip_sample": .bool(false), "clip_sample_range": .number(1)])
    case .kdpm2, .kdpm2Ancestral:
      add(Self.spacedLevels)
      add(Self.latentBetas)
    case .dpmSolver, .sdeDPMSolver, .noiseDPMSolver, .sdeNoiseDPMSolver:
      add(Self.thresholding)
      add(Self.dpmSolvers)
      add(Self.spacedTimes)
      add([
        "lower_order_final": .bool(true), "euler_at_final": .bool(false),
        "use_lu_lambdas": .bool(false), "rescale_betas_zero_snr": .bool(false),
      ])
    case .singlestepDPMSolver:
      add(Self.thresholding)
      add(Self.dpmSolvers)
      add(["lower_order_final": .bool(false)])
    case .uniPC:
      add(Self.thresholding)
      add(Self.solvers)
      add(Self.spacedTimes)
      add([
        "predict_x0": .bool(true), "solver_type": .string("bh2"), "lower_order_final": .bool(true),
        "disable_corrector": .array([]), "solver_p": .null, "rescale_betas_zero_snr": .bool(false),
        "sigma_min": .null, "sigma_max": .null, "shift_terminal": .null,
      ])
    case .lcm, .tcd:
      add(Self.thresholding)
      add(Self.latentBetas)
      add([
        "beta_schedule": .string("scaled_linear"), "original_inference_steps": .integer(50),
        "clip_sample": .bool(false), "clip_sample_range": .number(1),
        "set_alpha_to_one": .bool(true), "steps_offset": .integer(0),
        "timestep_spacing": .string("leading"), "timestep_scaling": .number(10),
        "rescale_betas_zero_snr": .bool(false),
      ])
    }
    return keys
  }

  private static let common: [String: JSONValue] = [
    "num_train_timesteps": .integer(1000), "beta_start": .number(0.0001),
    "beta_end": .number(0.02), "beta_schedule": .string("linear"), "trained_betas": .null,
    "prediction_type": .string("epsilon"),
  ]
  /// What Stable Diffusion was trained with, which some classes have as their defaults.
  private static let latentBetas: [String: JSONValue] = [
    "beta_start": .number(0.00085), "beta_end": .number(0.012),
  ]
  private static let spacedTimes: [String: JSONValue] = [
    "timestep_spacing": .string("linspace"), "steps_offset": .integer(0),
  ]
  private static let levels: [String: JSONValue] = [
    "use_karras_sigmas": .bool(false), "use_exponential_sigmas": .bool(false),
    "use_beta_sigmas": .bool(false),
  ]
  private static let spacedLevels = spacedTimes.merging(levels) { $1 }
  private static let thresholding: [String: JSONValue] = [
    "thresholding": .bool(false), "dynamic_thresholding_ratio": .number(0.995),
    "sample_max_value": .number(1),
  ]
  /// What the solvers in log-SNR share.
  private static let solvers = levels.merging([
    "solver_order": .integer(2), "use_flow_sigmas": .bool(false), "flow_shift": .number(1),
    "final_sigmas_type": .string("zero"), "use_dynamic_shifting": .bool(false),
    "time_shift_type": .string("exponential"),
  ]) { $1 }
  private static let dpmSolvers = solvers.merging([
    "algorithm_type": .string("dpmsolver++"), "solver_type": .string("midpoint"),
    "lambda_min_clipped": .number(-.infinity), "variance_type": .null,
  ]) { $1 }
}
