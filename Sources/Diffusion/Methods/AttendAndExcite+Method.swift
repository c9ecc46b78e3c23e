internal import AttentionTrace

extension AttendAndExcite.Settings: GenerationMethod {
  /// As on the command line.
  public var name: String { "attend-and-excite" }
  /// Iterations in which the latent is altered.
  public var alteredSteps: Int { maxIterations }
  /// By this method's own smoothing.
  public var measurement: AttendAndExcite.Settings { self }
  /// It excites subjects.
  public var needsSubjects: Bool { true }

  /// Every knob by its option's name.
  public var settings: [String: String] {
    [
      "max-iter-to-alter": String(maxIterations),
      "thresholds": thresholds.sorted { $0.key < $1.key }
        .map { "\($0.key)=\($0.value)" }.joined(separator: ","),
      "scale-factor": String(scaleFactor),
      "scale-range": scaleRange.map { String($0) }.joined(separator: ","),
      "smooth": String(smooths), "sigma": String(sigma), "kernel-size": String(kernelSize),
      "max-refinement-steps": String(maxRefinementSteps),
    ]
  }

  /// The loss of an altered iteration, and where a threshold is, every try to reach it.
  public func looks(at step: Int) -> [MethodLook] {
    let refines = thresholds[step] != nil && maxRefinementSteps > 0
    var looks: [MethodLook] = []
    if refines || step < maxIterations || looksAlways { looks.append(MethodLook(.loss)) }
    if refines {
      for attempt in stride(from: 2, through: maxRefinementSteps, by: 1) {
        looks.append(MethodLook(.refinement, attempt: attempt))
      }
      looks.append(MethodLook(.loss, attempt: maxRefinementSteps))
    }
    return looks
  }

  /// Sets ``looksAlways``.
  public func lookingAlways(_ always: Bool) -> Self {
    var settings = self
    settings.looksAlways = always
    return settings
  }

  /// The guide that follows the excitation of the subjects.
  public func parts(for run: MethodContext) throws -> MethodParts {
    MethodParts(guide: run.excitation.map { AttendAndExcite($0, self) })
  }
}
