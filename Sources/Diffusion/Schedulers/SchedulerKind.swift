/// The schedulers by their names on the command line.
package enum SchedulerKind: String, Sendable, CaseIterable {
  case ddim
  case pndm
  case lms
  case euler
  case eulerAncestral = "euler-ancestral"
  case dpmSolver = "dpmsolver++"

  /// The kind a checkpoint's class name stands for.
  package init?(className: String) {
    guard let kind = Self.allCases.first(where: { $0.className == className }) else { return nil }
    self = kind
  }

  /// What diffusers calls the kind.
  package var className: String {
    switch self {
    case .ddim: "DDIMScheduler"
    case .pndm: "PNDMScheduler"
    case .lms: "LMSDiscreteScheduler"
    case .euler: "EulerDiscreteScheduler"
    case .eulerAncestral: "EulerAncestralDiscreteScheduler"
    case .dpmSolver: "DPMSolverMultistepScheduler"
    }
  }

  /// Sets up a run of `steps` steps.
  /// - Throws: ``DiffusionError`` when the number of steps cannot be.
  package func make(_ schedule: NoiseSchedule, steps: Int) throws -> any Scheduler {
    guard steps >= 1, steps <= schedule.trainingTimes else {
      throw DiffusionError.invalidRequest(
        what: "the number of steps", got: String(steps),
        expected: "1…\(schedule.trainingTimes)")
    }
    switch self {
    case .ddim: return DDIM(schedule, steps: steps)
    case .pndm: return try PNDM(schedule, steps: steps)
    case .lms: return try LinearMultistep(schedule, steps: steps)
    case .euler: return Euler(schedule, steps: steps, isAncestral: false)
    case .eulerAncestral: return Euler(schedule, steps: steps, isAncestral: true)
    case .dpmSolver: return try DPMSolver(schedule, steps: steps)
    }
  }
}
