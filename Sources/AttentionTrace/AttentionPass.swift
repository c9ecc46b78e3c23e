/// One evaluation of the UNet: its place in the run, and the branch of each row of its batch.
public struct AttentionPass: Hashable, Sendable {
  /// The scheduler's iteration, from 0.
  ///
  /// PNDM has one more of these than it has steps.
  public let step: Int
  /// The diffusion time given to the UNet; not unique within a run.
  public let timestep: Double
  /// What the pass is for.
  public let phase: Phase
  /// The try of iterative refinement, from 1; for a loss pass, the tries of its step before it.
  public let attempt: Int
  /// What each row of the batch is, in the order of the maps' first axis.
  public let branches: [Branch]

  /// A pass of the batch whose rows are `branches`; `attempt` is 0 unless it serves refinement or follows it.
  public init(step: Int, timestep: Double, phase: Phase, attempt: Int = 0, branches: [Branch]) {
    self.step = step
    self.timestep = timestep
    self.phase = phase
    self.attempt = attempt
    self.branches = branches
  }
}
