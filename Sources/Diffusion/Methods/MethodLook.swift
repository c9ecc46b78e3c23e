public import AttentionTrace

/// A pass of the UNet for the prompt alone, as far as an objective reads.
public struct MethodLook: Hashable, Sendable {
  /// What it is for.
  public let phase: Phase
  /// The try of refinement, from 1; for a loss, the tries before it.
  public let attempt: Int

  /// A look for a loss or for a try of refinement.
  public init(_ phase: Phase, attempt: Int = 0) {
    self.phase = phase
    self.attempt = attempt
  }
}
