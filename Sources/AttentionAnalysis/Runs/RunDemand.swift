package import AttentionTrace

/// What a figure, a page or an export asks of the runs that it shows together.
package struct RunDemand: Sendable {
  /// Which runs need a partner from the same noise.
  package enum Pairing: Sendable {
    /// No run needs one.
    case none
    /// Every run by another method than the plain one needs a plain run of its seed.
    case withPlain
    /// For each seed, a run of every method that is shown.
    case everyMethod
  }

  /// Why two runs cannot be shown together, in a few words; `nil` where they can.
  package var difference: @Sendable (RecordedRun, RecordedRun) -> String?
  /// Whether runs of several prompts may stand together, those of one prompt alike.
  package var mayDifferInPrompt = false
  /// Whether runs may be of several methods.
  package var mayDifferInMethod = true
  /// Whether runs may be from several seeds.
  package var mayDifferInSeed = true
  /// Whether a method and a seed may stand there twice.
  package var mayRepeat = true
  /// Whether each run must hold maps of attention.
  package var needsMaps = true
  /// Whether each run must have its picture.
  package var needsPicture = false
  /// Whether each run must name the words that are measured.
  package var needsSubjects = false
  /// Which runs need a partner.
  package var pairing = Pairing.none

  /// Runs that differ in their method and seed at most, and in a knob if one is named.
  package init(knob: String? = nil) {
    difference = { $0.manifest.incomparability(with: $1.manifest, knob: knob) }
  }

  /// Whatever can be read, each run for itself.
  package static var none: RunDemand {
    var demand = RunDemand()
    demand.difference = { _, _ in nil }
    demand.mayDifferInPrompt = true
    demand.needsMaps = false
    return demand
  }

  /// Why a run cannot be shown whatever stands beside it; `nil` where it can.
  func flaw(of run: RecordedRun) -> String? {
    if needsMaps, run.sites.isEmpty || run.calls.isEmpty { return "no maps recorded" }
    if needsPicture, run.manifest.status != .complete { return "not complete" }
    if needsSubjects, run.manifest.subjects.isEmpty { return "no subjects" }
    return nil
  }
}
