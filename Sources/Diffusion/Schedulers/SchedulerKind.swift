/// The schedulers by their names on the command line.
package enum SchedulerKind: String, Sendable, CaseIterable {
  case ddim
  case pndm
  case lms
  case euler
  case eulerAncestral = "euler-ancestral"
  case heun
  case kdpm2
  case kdpm2Ancestral = "kdpm2-ancestral"
  case dpmSolver = "dpmsolver++"
  case sdeDPMSolver = "sde-dpmsolver++"
  case noiseDPMSolver = "dpmsolver"
  case sdeNoiseDPMSolver = "sde-dpmsolver"
  case singlestepDPMSolver = "dpmsolver-singlestep"
  case uniPC = "unipc"
  case lcm
  case tcd

  /// The kind that a checkpoint's class name stands for.
  ///
  /// - Parameter algorithm: the configuration's `algorithm_type`, which tells four kinds apart that
  ///   are one class in diffusers; `nil` where it has none.
  package init?(className: String, algorithm: String? = nil) {
    let kinds = Self.allCases.filter { $0.className == className }
    guard let first = kinds.first else { return nil }
    self = kinds.first { $0.algorithm?.rawValue == algorithm } ?? first
  }

  /// What diffusers calls the kind.
  package var className: String {
    switch self {
    case .ddim: "DDIMScheduler"
    case .pndm: "PNDMScheduler"
    case .lms: "LMSDiscreteScheduler"
    case .euler: "EulerDiscreteScheduler"
    case .eulerAncestral: "EulerAncestralDiscreteScheduler"
    case .heun: "HeunDiscreteScheduler"
    case .kdpm2: "KDPM2DiscreteScheduler"
    case .kdpm2Ancestral: "KDPM2AncestralDiscreteScheduler"
    case .dpmSolver, .sdeDPMSolver, .noiseDPMSolver, .sdeNoiseDPMSolver:
      "DPMSolverMultistepScheduler"
    case .singlestepDPMSolver: "DPMSolverSinglestepScheduler"
    case .uniPC: "UniPCMultistepScheduler"
    case .lcm: "LCMScheduler"
    case .tcd: "TCDScheduler"
    }
  }

  /// The `algorithm_type` that the kind stands for; `nil` where the configuration chooses, or there
  /// is none.
  var algorithm: DPMAlgorithm? {
    switch self {
    case .dpmSolver: .clean
    case .sdeDPMSolver: .stochasticClean
    case .noiseDPMSolver: .noise
    case .sdeNoiseDPMSolver: .stochasticNoise
    default: nil
    }
  }

  /// Why Heed does not run a class of diffusers' that has a reason of its own; `nil` for the others.
  static func obstacle(ofClass name: String) -> String? {
    name == "DPMSolverSDEScheduler"
      ? "draws its noise from a Brownian tree (torchsde), which Heed lacks; sde-dpmsolver++ is a "
        + "stochastic scheduler without one" : nil
  }
}
