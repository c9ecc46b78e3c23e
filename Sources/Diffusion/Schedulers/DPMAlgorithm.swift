/// The forms of DPM-Solver: what is extrapolated, and whether noise is added on the way.
///
/// - Reference: diffusers `scheduling_dpmsolver_multistep.py`, `algorithm_type`.
enum DPMAlgorithm: String, Sendable, CaseIterable {
  /// DPM-Solver++: the clean sample.
  case clean = "dpmsolver++"
  case stochasticClean = "sde-dpmsolver++"
  /// DPM-Solver: the noise.
  case noise = "dpmsolver"
  case stochasticNoise = "sde-dpmsolver"

  var isOfNoise: Bool { self == .noise || self == .stochasticNoise }
  var isStochastic: Bool { self == .stochasticClean || self == .stochasticNoise }
}
