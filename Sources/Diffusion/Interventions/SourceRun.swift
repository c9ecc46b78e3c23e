/// A run that is made in step with another one, which takes its maps over.
///
/// A plan holds its method's parts, and parts may hold the plan of a source: hence a class.
final class SourceRun: Sendable {
  /// The run.
  let run: PlannedRun
  /// Its tokens as the other prompt's.
  let alignment: PromptAlignment
  /// c, a factor for each token of the other prompt; `nil` for 1.
  let factors: [Float]?
  /// When its maps are taken over.
  let windows: (cross: PromptToPrompt.Window, own: PromptToPrompt.Window)
  /// Self-attention of more pixels is not taken over.
  let selfPixels: Int

  init(
    run: PlannedRun, alignment: PromptAlignment, factors: [Float]?,
    windows: (cross: PromptToPrompt.Window, own: PromptToPrompt.Window), selfPixels: Int
  ) {
    self.run = run
    self.alignment = alignment
    self.factors = factors
    self.windows = windows
    self.selfPixels = selfPixels
  }

  /// The run, ready to be made, and the intervention that hands its maps on.
  /// - Throws: ``DiffusionError`` when the run cannot be made.
  func started() throws -> (sequence: DenoisingSequence, intervention: MapTransfer) {
    let maps = SourceMaps(
      windows: windows, selfPixels: selfPixels, iterations: run.timesteps.count)
    return (
      try run.sequence(observers: [maps]),
      MapTransfer(alignment: alignment, factors: factors, maps: maps)
    )
  }
}
