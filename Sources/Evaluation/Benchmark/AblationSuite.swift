internal import AttentionTrace
package import Diffusion
private import Foundation

/// The variations of Attend-and-Excite that its paper's ablations are about, appendix B and section 5.
package enum AblationSuite {
  /// Sweeps over the values that differ from those of `plan`, a plan by Attend-and-Excite.
  ///
  /// No smoothing; no refinement; the step after which the latent is left alone, 5 to 50; a quarter, half
  /// and twice the step size; every other resolution at which the model attends to the prompt.
  /// - Throws: ``EvaluationError/variation(reason:)``.
  package static func sweeps(of plan: PlannedRun) throws -> [Sweep] {
    let knobs = plan.request.method.knobTexts
    let step = knobs["scale-factor"].flatMap { Double($0) }
    let grids = Set(plan.sites.filter { $0.kind == .cross }.map(\.grid.description))
    let values: [(knob: String, values: [String])] = [
      ("smooth", ["false"]), ("thresholds", ["none"]),
      ("max-iter-to-alter", [5, 10, 15, 20, 25, 30, 40, 50].map(String.init)),
      ("scale-factor", step.map { step in [0.25, 0.5, 2].map { String($0 * step) } } ?? []),
      ("attention-resolution", grids.sorted()),
    ]
    return try values.compactMap { knob, values in
      let own = knob == "attention-resolution" ? plan.grid.description : knobs[knob]
      let others = values.filter { $0 != own }
      return others.isEmpty ? nil : try Sweep(knob: knob, values: others)
    }
  }
}
